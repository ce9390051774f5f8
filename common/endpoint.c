/* endpoint.c: see endpoint.h. */
#include "common/endpoint.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char tcp[] = "tcp://";
static const char ipc[] = "ipc://";

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Splits the part behind "tcp://" at its last colon. False when there is no port. */
static bool find_port(const char *address, const char **colon, unsigned long *port)
{
    *colon = strrchr(address, ':');
    if (*colon == NULL || !isdigit((unsigned char)(*colon)[1]))
        return false;
    char *end;
    *port = strtoul(*colon + 1, &end, 10);
    return *end == '\0';
}

int endpoint_check(const char *endpoint, struct error *error)
{
    if (starts_with(endpoint, ipc) && endpoint[strlen(ipc)] != '\0')
        return 0;
    if (!starts_with(endpoint, tcp))
        return error_set(error, -1, "%.200s is neither tcp://HOST:PORT nor ipc://PATH", endpoint);
    const char *colon = strrchr(endpoint + strlen(tcp), ':');
    if (colon != NULL && colon > endpoint + strlen(tcp) && strcmp(colon, ":*") == 0)
        return 0;
    unsigned long port;
    if (!find_port(endpoint + strlen(tcp), &colon, &port) || colon == endpoint + strlen(tcp))
        return error_set(error, -1, "%.200s has no host or does not end in a port number",
                         endpoint);
    if (port < 1 || port > UINT16_MAX)
        return error_set(error, -1, "%.200s: a port is in 1 .. 65535", endpoint);
    return 0;
}

int endpoint_bulk(const char *control, char *bulk, size_t size, struct error *error)
{
    int written;
    if (starts_with(control, ipc) && control[strlen(ipc)] != '\0') {
        written = snprintf(bulk, size, "%s.bulk", control);
    } else if (starts_with(control, tcp)) {
        const char *colon;
        unsigned long port;
        if (!find_port(control + strlen(tcp), &colon, &port))
            return error_set(error, -1, "%s does not end in a port number", control);
        if (port < 1 || port >= UINT16_MAX)
            return error_set(error, -1, "%s leaves no room for the bulk socket on the next port",
                             control);
        written = snprintf(bulk, size, "%.*s:%lu", (int)(colon - control), control, port + 1);
    } else {
        return error_set(error, -1, "%s is neither tcp://HOST:PORT nor ipc://PATH", control);
    }
    if (written < 0 || (size_t)written >= size)
        return error_set(error, -1, "%s is too long for an address", control);
    return 0;
}

/* 127.x.y.z, digits and dots only: "127.0.0.1.example.org" is somebody else. */
static bool is_loopback_v4(const char *host, size_t bytes)
{
    if (bytes < 7 || strncmp(host, "127.", 4) != 0)
        return false;
    int dots = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (host[i] == '.')
            dots++;
        else if (!isdigit((unsigned char)host[i]))
            return false;
    }
    return dots == 3;
}

bool endpoint_is_local(const char *endpoint)
{
    if (starts_with(endpoint, ipc))
        return true;
    if (!starts_with(endpoint, tcp))
        return false;
    const char *host = endpoint + strlen(tcp);
    const char *colon = strrchr(host, ':');
    size_t bytes = colon != NULL ? (size_t)(colon - host) : strlen(host);
    if (is_loopback_v4(host, bytes))
        return true;
    static const char *const names[] = {"localhost", "[::1]", "lo"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (bytes == strlen(names[i]) && strncmp(host, names[i], bytes) == 0)
            return true;
    }
    return false;
}
