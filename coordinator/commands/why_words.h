/*
 * why_words.h: the facts about a question (why_facts.h) in sentences.
 *
 * The first sentence is the answer; the others say what stands behind it and what can be done.
 * Pure: JSON in, text out. What a fact lacks is left out, so that an older coordinator's answer
 * makes fewer sentences and no wrong ones.
 */
#ifndef RATCHET_COORDINATOR_COMMANDS_WHY_WORDS_H
#define RATCHET_COORDINATOR_COMMANDS_WHY_WORDS_H

#include "coordinator/shell/json.h"

enum { SENTENCES_MAX = 32, SENTENCE_BYTES_MAX = 640 };

struct sentences {
    uint32_t count;
    char text[SENTENCES_MAX][SENTENCE_BYTES_MAX];
};

/* Appends one; beyond SENTENCES_MAX it is left out. */
void say(struct sentences *sentences, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Whether that is the text under `key`. */
bool fact_is(const struct json_node *node, const char *key, const char *value);
/* "" or "s" */
const char *plural(uint64_t count);
/* "340 ms", "4.2 s", "3 min 20 s", "2 h 5 min", "3 d 4 h" */
enum { AGE_BYTES_MAX = 32 };
void format_age(uint64_t ms, char text[AGE_BYTES_MAX]);
/* "0.723812": short, for sentences. */
enum { FITNESS_BYTES_MAX = 32 };
void format_fitness(double fitness, char text[FITNESS_BYTES_MAX]);
/* "2026-11-22 20:14:03 UTC" */
enum { TIME_BYTES_MAX = 32 };
void format_time(uint64_t wall_ms, char text[TIME_BYTES_MAX]);

/* "all 4 slots are busy": why jobs wait for a worker. */
void describe_wait(const struct json_node *root, const char *reason, char text[SENTENCE_BYTES_MAX]);
/* "0/12 runs at pool on vm since 3.2 s": `root` has the facts around the job. */
void describe_job(const struct json_node *root, const struct json_node *job,
                  char text[SENTENCE_BYTES_MAX]);

/* The command that gives up this job, on which the run or a line waits or has stopped. */
void say_how_to_skip(const struct json_node *root, const char *id, struct sentences *sentences);
/* Where no worker is connected: what became of the last one by these notes, and what to do. */
void say_no_worker(const struct json_node *root, const struct json_node *notes,
                   struct sentences *sentences);
/* What the signal stands for by which a slot process died last. */
void say_last_death(const struct json_node *notes, struct sentences *sentences);
/* What is true whatever was asked: that a coordinator does not answer. */
void say_source(const struct json_node *root, struct sentences *sentences);
/* 0, or -1 with the reason when there is no such job or worker. */
int explain_job(const struct json_node *root, struct sentences *sentences, struct error *error)
    __attribute__((warn_unused_result));
int explain_worker(const struct json_node *root, struct sentences *sentences, struct error *error)
    __attribute__((warn_unused_result));
void explain_run(const struct json_node *root, struct sentences *sentences);
/* What the run as a whole waits for, line by line; for those who have nothing to do. */
void say_what_holds_the_run(const struct json_node *root, struct sentences *sentences);

#endif
