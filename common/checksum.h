/*
 * checksum.h: 64 bits that tell damaged bytes from whole ones.
 *
 * For accidents, not for attackers: whoever wants to can make bytes with a given checksum (digest.h
 * is what names bytes). Whatever happens within one aligned word of eight bytes is noticed for
 * certain, since each word enters its lane by steps that can be undone; any other damage goes
 * unnoticed once in 2^64. Four lanes side by side keep it at several gigabytes per second in plain
 * C, so that nobody need leave it out.
 */
#ifndef RATCHET_COMMON_CHECKSUM_H
#define RATCHET_COMMON_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* The same on every machine. */
uint64_t checksum_of(const void *bytes, size_t count);

#endif
