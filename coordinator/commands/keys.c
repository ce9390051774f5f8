/*
 * keys.c: `ratchet keys`: tokens, the keys that were let in, revocation.
 *
 * Changes files and talks to nobody: coordinators that serve see the change by themselves.
 */
#include "common/os_clock.h"
#include "coordinator/commands/command.h"
#include "coordinator/commands/record_output.h"
#include "coordinator/commands/table.h"
#include "coordinator/commands/why_words.h"
#include "coordinator/shell/json.h"
#include "coordinator/shell/key_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USES_DEFAULT = 1, HOURS_DEFAULT = 24 };

static const uint64_t HOUR_MS = UINT64_C(3600) * 1000;

/* ------------------------------------------------------------------------------------------ token
 */

struct token_made {
    struct token_order order;
    char text[TOKEN_BYTES_MAX];
};

static int make_token(void *context, struct key_registry *registry, struct error *error)
{
    struct token_made *made = context;
    return key_registry_add_token(registry, &made->order, made->text, error);
}

static int read_order(const struct arguments *arguments, struct token_order *order,
                      struct error *error)
{
    uint64_t uses = USES_DEFAULT, hours = HOURS_DEFAULT;
    if (parse_count(arguments, OPTION_USES, TOKEN_USES_MAX, &uses, error) != 0 ||
        parse_count(arguments, OPTION_HOURS, TOKEN_HOURS_MAX, &hours, error) != 0)
        return -1;
    if (uses == 0 || hours == 0)
        return error_set(error, -1, "a token of 0 %s would let nobody in",
                         uses == 0 ? "uses" : "hours");
    *order = (struct token_order){.uses = (uint32_t)uses, .now_ms = clock_wall_ms()};
    order->expires_ms = order->now_ms + hours * HOUR_MS;
    return 0;
}

/* The token alone on stdout, for scripts; what to do with it beside it. */
static void show_token(const struct key_store *store, const struct token_made *made)
{
    uint64_t hours = (made->order.expires_ms - made->order.now_ms) / HOUR_MS;
    printf("%s\n", made->text);
    fflush(stdout);
    fprintf(stderr,
            "Lets %" PRIu32 " worker%s in within %" PRIu64
            " hour%s. On each machine, beside a copy "
            "of %s:\n"
            "  ratchet-worker --connect tcp://HOST:5555 --server-key server.pub --token %s\n",
            made->order.uses, made->order.uses == 1 ? "" : "s", hours, hours == 1 ? "" : "s",
            key_store_server_file(store), made->text);
}

static int run_token(const struct arguments *arguments, struct key_store *store)
{
    struct token_made made = {.text = ""};
    struct error error;
    if (read_order(arguments, &made.order, &error) != 0)
        return complain(EXIT_USAGE, "keys: %s", error.text);
    if (key_store_change(store, make_token, &made, &error) != 0)
        return complain(EXIT_FAILED, "keys: %s", error.text);
    if (!arguments->given[OPTION_JSON]) {
        show_token(store, &made);
        return EXIT_DONE;
    }
    struct json_node *root = json_node_object();
    json_set_text(root, "token", made.text);
    json_set_u64(root, "uses", made.order.uses);
    json_set_u64(root, "expires_ms", made.order.expires_ms);
    json_set_text(root, "server_key", key_store_server_file(store));
    print_json(root);
    return EXIT_DONE;
}

/* ------------------------------------------------------------------------------------------- list
 */

static const char *state_of(const struct join_token *token)
{
    if (token->uses == 0)
        return "closed";
    if (token->uses_left == 0)
        return "used up";
    return clock_wall_ms() < token->expires_ms ? "open" : "expired";
}

static struct json_node *keys_node(const struct key_registry *registry)
{
    struct json_node *list = json_node_array();
    for (uint32_t i = 0; i < registry->key_count; i++) {
        const struct known_key *entry = &registry->keys[i];
        struct json_node *node = json_node_object();
        char hex[KEY_HEX_BYTES];
        public_key_to_hex(&entry->key, hex);
        json_set_text(node, "key", hex);
        json_set_text(node, "name", entry->name);
        json_set_text(node, "state", entry->revoked ? "revoked" : "joined");
        json_set_u64(node, "joined_ms", entry->joined_ms);
        json_set_u64(node, "revoked_ms", entry->revoked_ms);
        json_set_text(node, "token", entry->token);
        json_append_node(list, node);
    }
    return list;
}

static struct json_node *tokens_node(const struct key_registry *registry)
{
    struct json_node *list = json_node_array();
    for (uint32_t i = 0; i < registry->token_count; i++) {
        const struct join_token *token = &registry->tokens[i];
        struct json_node *node = json_node_object();
        json_set_text(node, "token", token->id);
        json_set_text(node, "state", state_of(token));
        json_set_u64(node, "uses_left", token->uses_left);
        json_set_u64(node, "uses", token->uses);
        json_set_u64(node, "expires_ms", token->expires_ms);
        json_append_node(list, node);
    }
    return list;
}

static void show_keys(const struct key_registry *registry)
{
    static const char *const titles[] = {"key", "worker", "state", "joined", "token", NULL};
    struct table *table = table_create(titles);
    for (uint32_t i = 0; i < registry->key_count; i++) {
        const struct known_key *entry = &registry->keys[i];
        char hex[KEY_HEX_BYTES], when[TIME_BYTES_MAX] = "never";
        public_key_to_hex(&entry->key, hex);
        if (entry->joined_ms > 0)
            format_time(entry->joined_ms, when);
        table_add(table, "%.16s", hex);
        table_add(table, "%s", entry->name);
        table_add(table, "%s", entry->revoked ? "revoked" : "joined");
        table_add(table, "%s", when);
        table_add(table, "%s", entry->token);
    }
    table_print(table);
    table_destroy(&table);
}

static void show_tokens(const struct key_registry *registry)
{
    static const char *const titles[] = {"token", "state", ">left", ">of", "until", NULL};
    struct table *table = table_create(titles);
    for (uint32_t i = 0; i < registry->token_count; i++) {
        const struct join_token *token = &registry->tokens[i];
        char when[TIME_BYTES_MAX];
        format_time(token->expires_ms, when);
        table_add(table, "%s", token->id);
        table_add(table, "%s", state_of(token));
        table_add(table, "%" PRIu32, token->uses_left);
        table_add(table, "%" PRIu32, token->uses);
        table_add(table, "%s", when);
    }
    printf("\n");
    table_print(table);
    table_destroy(&table);
}

static int run_list(const struct arguments *arguments, struct key_store *store)
{
    const struct key_registry *registry = key_store_registry(store);
    char hex[KEY_HEX_BYTES];
    public_key_to_hex(&key_store_server(store)->own, hex);
    if (arguments->given[OPTION_JSON]) {
        struct json_node *root = json_node_object();
        json_set_text(root, "folder", key_store_folder(store));
        json_set_text(root, "server", hex);
        json_set_node(root, "keys", keys_node(registry));
        json_set_node(root, "tokens", tokens_node(registry));
        print_json(root);
        return EXIT_DONE;
    }
    printf("server %.16s, to hand out: %s\n", hex, key_store_server_file(store));
    if (registry->key_count > 0)
        show_keys(registry);
    else
        printf("no worker was let in yet\n");
    if (registry->token_count > 0)
        show_tokens(registry);
    return EXIT_DONE;
}

/* ----------------------------------------------------------------------------------------- revoke
 */

struct revoking {
    const char *who;
    struct revocation done;
};

static int change_revoke(void *context, struct key_registry *registry, struct error *error)
{
    struct revoking *revoking = context;
    return key_registry_revoke(registry, revoking->who, clock_wall_ms(), &revoking->done, error);
}

static void show_revocation(const char *who, const struct revocation *done)
{
    if (done->keys == 0 && done->tokens == 0)
        printf("%s was revoked before, or lets nobody in any more\n", who);
    if (done->keys > 0)
        printf("revoked %" PRIu32 " key%s of %s; coordinators that serve heed it at once\n",
               done->keys, done->keys == 1 ? "" : "s", who);
    if (done->tokens > 0)
        printf("closed %" PRIu32 " token%s: nobody else gets in with %s; the keys that %s let in "
               "and that are not revoked stay in\n",
               done->tokens, done->tokens == 1 ? "" : "s", done->tokens == 1 ? "it" : "them",
               done->tokens == 1 ? "it" : "they");
}

static int run_revoke(const struct arguments *arguments, struct key_store *store)
{
    struct revoking revoking = {.who = arguments->positional[1]};
    struct error error;
    if (key_store_change(store, change_revoke, &revoking, &error) != 0)
        return complain(EXIT_FAILED, "keys: %s", error.text);
    if (arguments->given[OPTION_JSON]) {
        struct json_node *root = json_node_object();
        json_set_u64(root, "revoked", revoking.done.keys);
        json_set_u64(root, "tokens_closed", revoking.done.tokens);
        print_json(root);
    } else {
        show_revocation(revoking.who, &revoking.done);
    }
    return EXIT_DONE;
}

/* ---------------------------------------------------------------------------------------- command
 */

static const struct verb {
    const char *name;
    uint32_t words; /* arguments, itself counted in */
    int (*run)(const struct arguments *arguments, struct key_store *store);
} verbs[] = {{"token", 1, run_token}, {"list", 1, run_list}, {"revoke", 2, run_revoke}};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

int command_keys(const struct arguments *arguments)
{
    const struct verb *verb = find_verb(arguments->positional[0]);
    if (verb == NULL)
        return complain(EXIT_USAGE, "keys: takes token, list or revoke, not '%s'",
                        arguments->positional[0]);
    if (arguments->positional_count != verb->words)
        return complain(EXIT_USAGE, "keys: %s %s", verb->name,
                        verb->words == 1 ? "takes no further argument"
                                         : "needs a KEY, a worker's NAME or a TOKEN's id");
    if (verb->run != run_token && (arguments->given[OPTION_USES] || arguments->given[OPTION_HOURS]))
        return complain(EXIT_USAGE, "keys: --uses and --hours are for `ratchet keys token`");
    struct error error;
    struct key_store *store =
        key_store_open(arguments->value[OPTION_KEYS], KEY_STORE_COMMAND_WAIT_MS, &error);
    if (store == NULL)
        return complain(EXIT_FAILED, "keys: %s", error.text);
    int code = verb->run(arguments, store);
    key_store_close(&store);
    return code;
}
