/*
 * run_directory.h: RUN, the folder that holds all of a run, and who may use it.
 *
 *   RUN/lock            held by the coordinator that serves the run
 *   RUN/endpoint        its control address, while it lives
 *   RUN/admin.key       the key with which `status` and its like ask it there, if it encrypts
 *   RUN/experiment.yaml the experiment file as the user wrote it
 *   RUN/ledger.sqlite   the ledger
 *   RUN/blobs/          the blob store
 *   RUN/worker/         cache and spool of the local worker of `ratchet run`
 *   RUN/worker.log      what that worker says
 *   RUN/socket/         its sockets, mode 0700; elsewhere when RUN's path is too long for a socket
 *
 * Touches files and folders; knows no ledger, no sockets beyond where they may lie.
 */
#ifndef RATCHET_COORDINATOR_SHELL_RUN_DIRECTORY_H
#define RATCHET_COORDINATOR_SHELL_RUN_DIRECTORY_H

#include "common/endpoint.h"
#include "common/os_file.h"
#include "proto/job.h"

struct run_directory {
    char path[OS_PATH_BYTES_MAX]; /* absolute */
    bool has_ledger;              /* there is a run in it already */
    int lock;
    char socket_folder[OS_PATH_BYTES_MAX]; /* "" until run_directory_socket made one */
};

/*
 * Makes or opens `path` and takes its lock. Refuses what is on a network file system, what another
 * coordinator uses, and a folder that holds other things than a run. 0, or -1 with the reason.
 */
int run_directory_open(struct run_directory *directory, const char *path, struct error *error)
    __attribute__((warn_unused_result));
/* The same of a run that is there already: makes nothing where there is none. */
int run_directory_open_run(struct run_directory *directory, const char *path, struct error *error)
    __attribute__((warn_unused_result));
/* Lets go of the lock; removes the endpoint, the owner's key and the sockets' folder. */
void run_directory_close(struct run_directory *directory);

/* Path of a file in RUN; too long a path was refused by run_directory_open. */
void run_directory_file(const struct run_directory *directory, const char *name,
                        char path[OS_PATH_BYTES_MAX]);

/*
 * An "ipc://..." address in a folder that only this user can enter. `choice` counts up from 0 until
 * an address is of use: in RUN, in $XDG_RUNTIME_DIR, in /tmp. 0; 1 when this place will not do (too
 * long a path, not ours) and the next may; -1 with the reason when there is no further place.
 */
int run_directory_socket(struct run_directory *directory, const struct run_id *run, int choice,
                         char endpoint[ENDPOINT_BYTES_MAX], struct error *error)
    __attribute__((warn_unused_result));

/* Says where the coordinator listens; removed by run_directory_close. */
int run_directory_write_endpoint(const struct run_directory *directory, const char *endpoint,
                                 struct error *error) __attribute__((warn_unused_result));
/* Reads that from RUN of somebody else. False when there is none. */
bool run_directory_read_endpoint(const char *path, char endpoint[ENDPOINT_BYTES_MAX]);

/*
 * Whether a coordinator seems to serve the run at `path`: the process that its lock names is there.
 * The lock itself is not tried, because that would keep out a coordinator which starts at the same
 * moment.
 */
bool run_directory_is_served(const char *path);
/* What RUN holds, by name: "lock", "blobs", ...; NULL past the end. What lies beside the ledger
 * begins with its name. */
#define RUN_LEDGER "ledger.sqlite"
const char *run_directory_entry(size_t index);
/* True when `path` is a folder with a ledger in it. */
bool run_directory_is_run(const char *path);
/* 0, or -1 with a sentence that says that there is none. */
int run_directory_require(const char *path, struct error *error)
    __attribute__((warn_unused_result));

#endif
