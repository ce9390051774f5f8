/*
 * why.c: `ratchet why`: why a job waits or was committed as it was, why a worker is idle or gone,
 * why a run does not go on faster.
 *
 * why_facts.c collects what is known, why_words.c and its kin make sentences of it; here they are
 * shown, with the run's own notes beneath.
 */
#include "coordinator/commands/ask.h"
#include "coordinator/commands/clean_text.h"
#include "coordinator/commands/command.h"
#include "coordinator/commands/record_output.h"
#include "coordinator/commands/why_facts.h"
#include "coordinator/commands/why_words.h"

#include <stdio.h>
#include <string.h>

enum { LOG_LINES_SHOWN = 12 };

/* ----------------------------------------------------------------------------------- question */

static bool is_champion(const char *name)
{
    const char *slash = strchr(name, '/');
    return strcmp(slash != NULL ? slash + 1 : name, "champion") == 0;
}

/* What the second argument names: a job by its ID, else a worker. */
static int parse_subject(const char *name, struct reader *reader, struct why_question *question,
                         struct error *error)
{
    struct status_request *request = &question->request;
    struct commit_record record;
    request->subject = STATUS_WHY_JOB;
    if (parse_id(name, &request->job))
        return request->job.job <= JOB_NUMBER_FINAL
                   ? 0
                   : error_set(error, -1, "there is no job %s: numbers end before that", name);
    if (strcmp(name, "final") == 0) {
        request->job = (struct job_key){.job = JOB_NUMBER_FINAL};
        return 0;
    }
    if (is_champion(name)) {
        if (reader == NULL)
            return error_set(error, -1, "which job '%s' is, only the run's folder tells", name);
        if (reader_find(reader, name, &record, error) != 0)
            return -1;
        request->job = record.job.key;
        return 0;
    }
    request->subject = STATUS_WHY_WORKER;
    if (strlen(name) >= sizeof request->worker)
        return error_set(error, -1, "'%.20s...' is neither a job's ID nor a worker's name", name);
    for (const char *c = name; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
            return error_set(error, -1, "a worker's name is printable ASCII");
    snprintf(request->worker, sizeof request->worker, "%s", name);
    return 0;
}

/* ------------------------------------------------------------------------------------ showing */

/* The last lines of what a dead process wrote, indented. */
static void show_log(const char *log)
{
    const char *start = log + strlen(log);
    while (start > log && start[-1] == '\n')
        start--;
    for (int lines = 0; start > log; start--)
        if (start[-1] == '\n' && ++lines == LOG_LINES_SHOWN)
            break;
    while (*start != '\0') {
        char line[512], clean[sizeof line];
        size_t length = strcspn(start, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, start);
        clean_text(line, clean, sizeof clean);
        printf("    | %s\n", clean);
        start += length + (start[length] == '\n');
    }
}

static void show_notes(const struct json_node *notes)
{
    for (size_t i = json_array_count(notes); i-- > 0;) {
        const struct json_node *note = json_array_at(notes, i);
        char when[TIME_BYTES_MAX], text[REASON_BYTES_MAX + NAME_BYTES_MAX], id[ID_BYTES_MAX];
        format_time(json_get_u64(note, "wall_ms", 0), when);
        const char *job = json_get_text(note, "job", NULL);
        clean_text(job != NULL ? job : "", id, sizeof id);
        clean_text(json_get_text(note, "text", "?"), text, sizeof text);
        printf("  %s  %s%s%s\n", when, id, job != NULL ? ": " : "", text);
        const char *log = json_get_text(note, "log_tail", NULL);
        if (log != NULL)
            show_log(log);
    }
}

static void show(const struct json_node *root, const struct sentences *sentences)
{
    for (uint32_t i = 0; i < sentences->count; i++) {
        char clean[SENTENCE_BYTES_MAX];
        clean_text(sentences->text[i], clean, sizeof clean);
        printf("%s\n", clean);
    }
    const struct json_node *notes = json_get_node(root, "notes");
    if (json_array_count(notes) > 0) {
        printf("\nWhat the run's ledger notes about it, the latest last:\n");
        show_notes(notes);
    }
}

static struct json_node *sentences_node(const struct sentences *sentences)
{
    struct json_node *list = json_node_array();
    for (uint32_t i = 1; i < sentences->count; i++)
        json_append_node(list, json_node_text(sentences->text[i]));
    return list;
}

/* ------------------------------------------------------------------------------------ command */

static int explain(const struct json_node *root, enum status_subject subject,
                   struct sentences *sentences, struct error *error)
{
    if (subject == STATUS_WHY_JOB)
        return explain_job(root, sentences, error);
    if (subject == STATUS_WHY_WORKER)
        return explain_worker(root, sentences, error);
    explain_run(root, sentences);
    return 0;
}

static int answer(const struct arguments *arguments, struct reader *reader)
{
    struct why_question question = {
        .run = arguments->positional[0],
        .request = {.subject = STATUS_WHY_RUN},
    };
    struct error error;
    struct sentences sentences = {.count = 0};
    int code;
    if (arguments->positional_count > 1 &&
        parse_subject(arguments->positional[1], reader, &question, &error) != 0)
        return complain(EXIT_FAILED, "%s", error.text);
    struct json_node *root = why_facts(&question, reader, &code, &error);
    if (root == NULL)
        return complain(code, "%s", error.text);
    if (explain(root, (enum status_subject)question.request.subject, &sentences, &error) != 0) {
        json_node_free(&root);
        return complain(EXIT_FAILED, "%s", error.text);
    }
    if (arguments->given[OPTION_JSON]) {
        json_set_text(root, "answer", sentences.text[0]);
        json_set_node(root, "because", sentences_node(&sentences));
        print_json(root);
        return EXIT_DONE;
    }
    show(root, &sentences);
    json_node_free(&root);
    return EXIT_DONE;
}

int command_why(const struct arguments *arguments)
{
    struct error error;
    struct reader reader;
    if (is_address(arguments->positional[0]))
        return answer(arguments, NULL);
    if (reader_open(&reader, arguments->positional[0], &error) != 0)
        return complain(EXIT_FAILED, "%s", error.text);
    int code = answer(arguments, &reader);
    reader_close(&reader);
    return code;
}
