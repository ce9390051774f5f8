/* message.c: see message.h. */
#include "proto/message.h"

#include <stddef.h>

const char *message_name(uint32_t kind)
{
    static const char *const names[] = {
        [MESSAGE_HELLO] = "hello",
        [MESSAGE_WELCOME] = "welcome",
        [MESSAGE_REFUSED] = "refused",
        [MESSAGE_REJOIN] = "rejoin",
        [MESSAGE_HEARTBEAT] = "heartbeat",
        [MESSAGE_ALIVE] = "alive",
        [MESSAGE_LEASE] = "lease",
        [MESSAGE_RESULT] = "result",
        [MESSAGE_VERDICT] = "verdict",
        [MESSAGE_DEATH] = "death",
        [MESSAGE_GOODBYE] = "goodbye",
        [MESSAGE_STOP] = "stop",
        [MESSAGE_STATUS_REQUEST] = "status_request",
        [MESSAGE_STATUS] = "status",
        [MESSAGE_PULL] = "pull",
        [MESSAGE_CHUNK] = "chunk",
        [MESSAGE_ABSENT] = "absent",
        [MESSAGE_HANDOVER] = "handover",
        [MESSAGE_DRAIN] = "drain",
        [MESSAGE_COMMAND] = "command",
        [MESSAGE_ANSWER] = "answer",
    };
    return kind >= 1 && kind <= MESSAGE_KIND_LAST ? names[kind] : NULL;
}
