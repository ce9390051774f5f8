/* ending.c: see ending.h. */
#include "coordinator/commands/ending.h"

#include "coordinator/commands/detail_output.h"
#include "coordinator/commands/record_output.h"

#include <stdio.h>
#include <stdlib.h>

/* What the ledger has to say. */
struct findings {
    bool has_champion, has_final;
    struct commit_counts counts; /* without a champion: what became of the jobs */
    struct commit_record champion, final;
    bool has_damage, damage_complete;
    uint64_t damage; /* units */
};

static const char *state_name(enum ending_state state)
{
    switch (state) {
    case ENDING_DONE:
        return "done";
    case ENDING_PAUSED:
        return "paused";
    case ENDING_POISONED:
        return "poisoned";
    }
    abort();
}

static void read_damage(struct reader *reader, struct findings *found)
{
    struct detail *detail = malloc(sizeof *detail);
    if (detail != NULL && reader_detail(reader, found->champion.job.key, detail, NULL) == 1) {
        found->has_damage = true;
        found->damage_complete = detail->damage.complete;
        found->damage = damage_units(&detail->damage);
    }
    free(detail);
}

/* The champion and its last evaluation, or why there is none; without them when the ledger cannot
 * be read. */
static void read_champion(const char *directory, struct findings *found)
{
    struct reader reader;
    if (reader_open(&reader, directory, NULL) != 0)
        return;
    found->has_champion = reader_champion(&reader, READER_ANY_LINE, &found->champion, NULL) == 1;
    found->has_final =
        found->has_champion && reader_final(&reader, &found->champion, &found->final, NULL) == 1;
    if (found->has_champion)
        read_damage(&reader, found);
    else if (reader_count(&reader, &found->counts, NULL) != 0)
        found->counts = (struct commit_counts){0};
    reader_close(&reader);
}

static void print_scores(const struct findings *found, const char *label, enum score score)
{
    char text[SCORES_BYTES_MAX];
    format_scores(&found->champion, found->has_final ? &found->final : NULL, score, text);
    if (text[0] != '\0')
        printf("%-12s %s\n", label, text);
}

static void print_champion(const struct ending *ending, const struct findings *found)
{
    char id[ID_BYTES_MAX], fitness[NUMBER_BYTES_MAX];
    const struct commit_record *champion = &found->champion;
    format_id(champion->job.key, id);
    format_number(champion->fitness, fitness);
    printf("%-12s %s, fitness %s, by %s in generation %u\n", "champion", id, fitness,
           operator_of(champion), champion->depth);
    print_scores(found, "accuracy", SCORE_ACCURACY);
    print_scores(found, "loss", SCORE_LOSS);
    if (found->has_damage && found->damage > 0)
        printf("%-12s %s%llu unit%s over its whole lineage: `ratchet show %s %s` tells which\n",
               "damage", found->damage_complete ? "" : "at least ",
               (unsigned long long)found->damage, found->damage == 1 ? "" : "s", ending->directory,
               id);
}

static void print_no_champion(const struct findings *found)
{
    char text[NO_CHAMPION_BYTES_MAX];
    format_no_champion(&found->counts, text);
    printf("%-12s %s\n", "champion", text);
}

static void print_ending(const struct ending *ending, const struct findings *found)
{
    char hex[DIGEST_HEX_BYTES];
    digest_to_hex(&ending->outcome->digest, hex);
    printf("%-12s %llu of %llu jobs committed\n", state_name(ending->state),
           (unsigned long long)ending->outcome->view.commits,
           (unsigned long long)ending->outcome->view.jobs_total);
    if (found->has_champion)
        print_champion(ending, found);
    else
        print_no_champion(found);
    printf("%-12s %s\n", "digest", hex);
    printf("%-12s %s\n", "directory", ending->directory);
    if (ending->report[0] != '\0')
        printf("%-12s %s\n", "report", ending->report);
}

static void print_ending_json(const struct ending *ending, const struct findings *found)
{
    char hex[DIGEST_HEX_BYTES], id[ID_BYTES_MAX];
    digest_to_hex(&ending->outcome->digest, hex);
    struct json_node *event = json_node_object();
    json_set_text(event, "event", "finished");
    json_set_text(event, "state", state_name(ending->state));
    json_set_u64(event, "exit_code", (uint64_t)ending->code);
    json_set_u64(event, "commits", ending->outcome->view.commits);
    json_set_u64(event, "jobs_total", ending->outcome->view.jobs_total);
    if (found->has_champion) {
        format_id(found->champion.job.key, id);
        json_set_text(event, "champion", id);
        json_set_f64(event, "fitness", found->champion.fitness);
        json_set_node(event, "metrics", metrics_node(&found->champion));
    } else {
        json_set_text(event, "champion", NULL);
        json_set_u64(event, "diverged", found->counts.diverged);
        json_set_u64(event, "failed", found->counts.failed);
    }
    if (found->has_final)
        json_set_node(event, "final_metrics", metrics_node(&found->final));
    json_set_node(event, "operators", shell_operators_node(&ending->outcome->view));
    json_set_text(event, "digest", hex);
    json_set_text(event, "directory", ending->directory);
    if (ending->report[0] != '\0')
        json_set_text(event, "report", ending->report);
    print_event(event);
}

void show_ending(const struct ending *ending, enum progress_style style)
{
    struct findings found = {.has_champion = false};
    read_champion(ending->directory, &found);
    if (style == PROGRESS_JSON)
        print_ending_json(ending, &found);
    else
        print_ending(ending, &found);
}
