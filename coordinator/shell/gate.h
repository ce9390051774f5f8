/*
 * gate.h: who may say what to a coordinator that encrypts.
 *
 * A connection is somebody's key: ZeroMQ's CURVE sees to it that nobody uses a key without its
 * secret part. Here is what a key may do. Strangers may say hello with a token and nothing else;
 * workers may speak for the instances that said hello with their key, and for no others; the owner
 * may ask and command, and is no worker; revoked keys may do nothing. Knows keys and instances, no
 * sockets and no core.
 */
#ifndef RATCHET_COORDINATOR_SHELL_GATE_H
#define RATCHET_COORDINATOR_SHELL_GATE_H

#include "coordinator/shell/key_store.h"
#include "proto/message.h"

struct gate;

/* Opens the folder of keys and makes the owner's key of this life. NULL with the reason. */
struct gate *gate_open(const char *folder, struct error *error);
void gate_close(struct gate **gate);

struct key_store *gate_store(const struct gate *gate);
/* The owner's pair, with the server's public key: to be written where only the owner reads it. */
const struct key_file *gate_owner(const struct gate *gate);

enum gate_role {
    GATE_STRANGER = 1, /* not known: may say hello with a token */
    GATE_REVOKED,
    GATE_WORKER,
    GATE_OWNER, /* this life's key, or the server's own */
};

enum gate_role gate_role(const struct gate *gate, const struct public_key *key);
/* Whether a connection with that key is worth having: strangers only while a token is open. */
bool gate_admits(const struct gate *gate, const struct public_key *key, uint64_t wall_ms);

/* ------------------------------------------------------------------------------ whose instance */

enum gate_binding {
    GATE_UNBOUND = 0, /* has not said hello in this life */
    GATE_OWN,
    GATE_ANOTHERS,
};

enum gate_binding gate_binding(const struct gate *gate, const struct instance_id *instance,
                               const struct public_key *key);
/*
 * From now on the instance is that key's. Makes room by forgetting those that `is_alive` does not
 * know any more; false: there is no room, or it is somebody else's.
 */
struct gate_living {
    bool (*is_alive)(const void *context, const struct instance_id *instance);
    const void *context;
};
bool gate_bind(struct gate *gate, const struct instance_id *instance, const struct public_key *key,
               const struct gate_living *living);

/*
 * Takes one instance whose key is no longer a worker's, and forgets it; false: there is none. To be
 * called after the registry has changed until it is false.
 */
bool gate_take_banished(struct gate *gate, struct instance_id *instance, struct public_key *key);

/* ---------------------------------------------------------------------------------------- routes
 */

/*
 * ZeroMQ gives a name to whoever connects with it last. Who connects with another's name is heard
 * of as soon as it speaks: then nothing is sent there until the rightful one is heard again.
 */
enum { GATE_WIRES = 2 };
void gate_note_route(struct gate *gate, const struct instance_id *instance, uint32_t wire,
                     enum gate_binding heard);
bool gate_trusts_route(const struct gate *gate, const struct instance_id *instance, uint32_t wire);

/* The home that a worker says it has, made its key's own: nobody restarts another's worker. */
struct home_id gate_home(const struct home_id *said, const struct public_key *key);

#endif
