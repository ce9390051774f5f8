/*
 * reader.h: a run as reading commands see it: its ledger and nothing else.
 *
 * Works beside a living coordinator, on an archived copy, and without write access. Individuals are
 * named LINE/JOB; in texts from people also JOB (of line 0), "champion" and "final" (the champion's
 * last evaluation), of all lines or behind LINE/ of that one.
 */
#ifndef RATCHET_COORDINATOR_READING_READER_H
#define RATCHET_COORDINATOR_READING_READER_H

#include "common/os_file.h"
#include "coordinator/reading/run_chain.h"
#include "coordinator/shell/ledger.h"
#include "proto/detail.h"

struct reader {
    char path[OS_PATH_BYTES_MAX]; /* of RUN, as given */
    struct ledger *ledger;
    struct ledger_header header; /* its texts are the ledger's */
    uint32_t lines;
    struct run_chain chain;             /* as of the commit that was read last */
    char digest_told[DIGEST_HEX_BYTES]; /* of a finished run, at the last rewind; otherwise "" */
};

/* How many lines the run has; 0 when that makes no sense. */
uint32_t lines_of_run(const struct ledger_header *header);

/* 0, or -1 with the reason: no run, damaged, of another version of the ledger. */
int reader_open(struct reader *reader, const char *path, struct error *error)
    __attribute__((warn_unused_result));
void reader_close(struct reader *reader);

/*
 * The commits in their order: 1 with *record, 0 at the end, -1 with the reason. Each is held
 * against those before it, and the last of a finished run against the digest that it ended with:
 * nobody reads on in a ledger that was damaged.
 */
int reader_rewind(struct reader *reader, struct error *error) __attribute__((warn_unused_result));
int reader_next_commit(struct reader *reader, struct commit_record *record, struct error *error)
    __attribute__((warn_unused_result));

/* All commits by what became of them; final jobs are among the commits alone. */
struct commit_counts {
    uint64_t commits, admitted, diverged, failed;
    uint64_t attempts, opinions; /* how often they were handed out, and their children */
};
int reader_count(struct reader *reader, struct commit_counts *counts, struct error *error)
    __attribute__((warn_unused_result));
/* What stands where a champion would: "none: 20 of 20 jobs diverged". */
enum { NO_CHAMPION_BYTES_MAX = 128 };
void format_no_champion(const struct commit_counts *counts, char text[NO_CHAMPION_BYTES_MAX]);

/* 1 with *record, 0 when nothing was committed under that key, -1 with the reason. */
int reader_get(struct reader *reader, struct job_key key, struct commit_record *record,
               struct error *error) __attribute__((warn_unused_result));
/* The fittest of the lines' champions, or that of one line. 1, 0 when there is none, -1 with the
 * reason. */
#define READER_ANY_LINE UINT32_MAX
int reader_champion(struct reader *reader, uint32_t line, struct commit_record *record,
                    struct error *error) __attribute__((warn_unused_result));
/*
 * The last evaluation of this champion: 1 with *record, 0 when it had none, -1 with the reason. A
 * run that goes on with a larger budget has a champion that is newer than its line's final job.
 */
int reader_final(struct reader *reader, const struct commit_record *champion,
                 struct commit_record *record, struct error *error)
    __attribute__((warn_unused_result));
/* What a person calls by that name. 0, or -1 with the reason: no such name, nothing committed under
 * it. */
int reader_find(struct reader *reader, const char *name, struct commit_record *record,
                struct error *error) __attribute__((warn_unused_result));

/* What came with a commit: 1 with *detail, 0 when there is nothing, -1 when it makes no sense. */
int reader_detail(struct reader *reader, struct job_key key, struct detail *detail,
                  struct error *error) __attribute__((warn_unused_result));

/* The value of a fact, "" when there is none. */
void reader_fact(struct reader *reader, const char *name, char *value, size_t size);

/* Why a poisoned run stopped: "job 0/7: its slot died 3 times; its line stops". "" when it did not
 * stop for that, or went on since. */
void reader_poison(struct reader *reader, char *reason, size_t size);

/* "0/12", "0/final". */
enum { ID_BYTES_MAX = 40 };
void format_id(struct job_key key, char id[ID_BYTES_MAX]);
/* "0/12" and "12"; false when it is neither. */
bool parse_id(const char *text, struct job_key *key);

#endif
