/* os_signal.c: see os_signal.h. */
#include "common/os_signal.h"

#include <stddef.h>

static const int stops[] = {SIGINT, SIGTERM, SIGHUP};

enum { STOPS = sizeof stops / sizeof *stops };

/* The kernel keeps a blocked signal even when it is ignored, so those are left out. */
sigset_t signal_stops(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    for (size_t i = 0; i < STOPS; i++) {
        struct sigaction action;
        if (sigaction(stops[i], NULL, &action) != 0 || action.sa_handler != SIG_IGN)
            sigaddset(&signals, stops[i]);
    }
    return signals;
}

int signal_stop_waiting(void)
{
    sigset_t waiting;
    if (sigpending(&waiting) != 0)
        return 0;
    for (size_t i = 0; i < STOPS; i++) {
        if (sigismember(&waiting, stops[i]) == 1)
            return stops[i];
    }
    return 0;
}
