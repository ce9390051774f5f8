/*
 * portable_double.h: logarithm and exponential that have the same bits on every machine.
 *
 * The C library's differ in the last bit between versions and processors; what is made with them
 * would have another digest elsewhere. These are made of IEEE operations alone (+, *, /, fma), in
 * one order. They serve the making of data sets, not training: readable first, fast second.
 */
#ifndef RATCHET_WORKER_DATA_PORTABLE_DOUBLE_H
#define RATCHET_WORKER_DATA_PORTABLE_DOUBLE_H

/* Natural logarithm of a positive, finite, normal number. Within 0.6 units in the last place. */
double portable_double_log(double x);

/* e^x for x within -700 .. 700. Within 0.7 units in the last place. */
double portable_double_exp(double x);

#endif
