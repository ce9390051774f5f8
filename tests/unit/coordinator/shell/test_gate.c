/* test_gate.c: the folder of keys, and what each key may do; also when somebody changes the folder.
 */
#include "coordinator/shell/gate.h"

#include "common/os_file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char base[64], folder[128];
    struct gate *gate;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    *state = fixture;
    snprintf(fixture->base, sizeof fixture->base, "/tmp/ratchet-gate-XXXXXX");
    if (fixture == NULL || mkdtemp(fixture->base) == NULL)
        return -1;
    snprintf(fixture->folder, sizeof fixture->folder, "%s/keys", fixture->base);
    fixture->gate = gate_open(fixture->folder, NULL);
    return fixture->gate == NULL;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    gate_close(&fixture->gate);
    int rc = os_remove_tree(fixture->base, NULL);
    free(fixture);
    return rc;
}

static struct public_key new_key(void)
{
    struct key_file key;
    key_make(&key);
    return key.own;
}

static int let_in(void *context, struct key_registry *registry, struct error *error)
{
    const struct token_order order = {.uses = 1, .now_ms = 1, .expires_ms = 2};
    char token[TOKEN_BYTES_MAX];
    if (key_registry_add_token(registry, &order, token, error) != 0)
        return -1;
    const struct join_request request = {
        .key = *(const struct public_key *)context, .name = "w", .token = token, .now_ms = 1};
    return key_registry_join(registry, &request, error);
}

static int revoke_key(void *context, struct key_registry *registry, struct error *error)
{
    struct revocation done;
    char hex[KEY_HEX_BYTES];
    public_key_to_hex(context, hex);
    return key_registry_revoke(registry, hex, 5, &done, error);
}

static int open_a_token(void *context, struct key_registry *registry, struct error *error)
{
    const struct token_order order = {.uses = 1, .now_ms = 1, .expires_ms = 1000};
    return key_registry_add_token(registry, &order, context, error);
}

static struct instance_id instance_of(uint32_t number)
{
    struct instance_id instance = {{1}};
    memcpy(instance.bytes + 4, &number, sizeof number);
    return instance;
}

static bool nobody(const void *context, const struct instance_id *instance)
{
    (void)context;
    (void)instance;
    return false;
}

static bool everybody(const void *context, const struct instance_id *instance)
{
    return !nobody(context, instance);
}

static void test_roles(void **state)
{
    struct fixture *fixture = *state;
    struct gate *gate = fixture->gate;
    struct public_key key = new_key();
    char token[TOKEN_BYTES_MAX];
    assert_int_equal(gate_role(gate, &key), GATE_STRANGER);
    assert_false(gate_admits(gate, &key, 10));
    assert_int_equal(key_store_change(gate_store(gate), open_a_token, token, NULL), 0);
    assert_true(gate_admits(gate, &key, 10));
    assert_false(gate_admits(gate, &key, 1000));
    assert_int_equal(key_store_change(gate_store(gate), let_in, &key, NULL), 0);
    assert_int_equal(gate_role(gate, &key), GATE_WORKER);
    assert_true(gate_admits(gate, &key, 1000));
    assert_int_equal(gate_role(gate, &gate_owner(gate)->own), GATE_OWNER);
    assert_int_equal(gate_role(gate, &key_store_server(gate_store(gate))->own), GATE_OWNER);
    assert_int_equal(key_store_change(gate_store(gate), revoke_key, &key, NULL), 0);
    assert_int_equal(gate_role(gate, &key), GATE_REVOKED);
    assert_false(gate_admits(gate, &key, 10));
}

/* `ratchet keys` is another process: here another store. */
static void test_others_change_the_folder(void **state)
{
    struct fixture *fixture = *state;
    struct public_key key = new_key();
    struct key_store *other = key_store_open(fixture->folder, 0, NULL);
    assert_non_null(other);
    assert_true(public_key_equal(&key_store_server(other)->own,
                                 &key_store_server(gate_store(fixture->gate))->own));
    assert_int_equal(key_store_change(other, let_in, &key, NULL), 0);
    assert_int_equal(key_store_refresh(gate_store(fixture->gate), NULL), KEY_STORE_CHANGED);
    assert_int_equal(key_store_refresh(gate_store(fixture->gate), NULL), KEY_STORE_SAME);
    assert_int_equal(gate_role(fixture->gate, &key), GATE_WORKER);
    assert_int_equal(key_store_change(other, revoke_key, &key, NULL), 0);
    assert_int_equal(key_store_refresh(gate_store(fixture->gate), NULL), KEY_STORE_CHANGED);
    assert_int_equal(gate_role(fixture->gate, &key), GATE_REVOKED);
    key_store_close(&other);
}

static int refuse(void *context, struct key_registry *registry, struct error *error)
{
    (void)context;
    (void)registry;
    return error_set(error, -1, "no");
}

/* A stranger's attempt reads what others changed: that they did so is told all the same, once. */
static void test_an_attempt_hides_no_change(void **state)
{
    struct fixture *fixture = *state;
    struct public_key key = new_key(), another = new_key();
    struct key_store *store = gate_store(fixture->gate);
    struct key_store *other = key_store_open(fixture->folder, 0, NULL);
    assert_non_null(other);
    assert_int_equal(key_store_change(store, let_in, &key, NULL), 0);
    assert_int_equal(key_store_refresh(store, NULL), KEY_STORE_SAME);
    assert_int_equal(key_store_change(other, revoke_key, &key, NULL), 0);
    assert_int_equal(key_store_change(store, refuse, NULL, NULL), -1);
    assert_int_equal(gate_role(fixture->gate, &key), GATE_REVOKED);
    assert_int_equal(key_store_refresh(store, NULL), KEY_STORE_CHANGED);
    assert_int_equal(key_store_refresh(store, NULL), KEY_STORE_SAME);
    assert_int_equal(key_store_change(other, revoke_key, &another, NULL), 0);
    assert_int_equal(key_store_change(store, let_in, &key, NULL), -1);
    key = new_key();
    assert_int_equal(key_store_change(store, let_in, &key, NULL), 0);
    assert_int_equal(key_store_refresh(store, NULL), KEY_STORE_CHANGED);
    assert_int_equal(key_store_refresh(store, NULL), KEY_STORE_SAME);
    key_store_close(&other);
}

/* Somebody stopped `ratchet keys` at the wrong moment: a coordinator goes on without. */
static void test_a_lock_that_is_held_is_not_waited_for(void **state)
{
    struct fixture *fixture = *state;
    struct public_key key = new_key();
    struct error error = {.text = ""};
    char path[256];
    struct key_store *patient = key_store_open(fixture->folder, 30, NULL);
    assert_non_null(patient);
    snprintf(path, sizeof path, "%s/lock", fixture->folder);
    int lock = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    assert_int_equal(key_store_change(gate_store(fixture->gate), let_in, &key, &error), -1);
    assert_non_null(strstr(error.text, "keys/lock is held by another process"));
    assert_int_equal(key_store_change(patient, let_in, &key, NULL), -1);
    assert_int_equal(gate_role(fixture->gate, &key), GATE_STRANGER);
    close(lock);
    assert_int_equal(key_store_change(patient, let_in, &key, NULL), 0);
    key_store_close(&patient);
}

/* Damage lets nobody in who was out, and nobody out who was in; it is told once. */
static void test_damage(void **state)
{
    struct fixture *fixture = *state;
    struct public_key key = new_key(), stranger = new_key();
    struct key_store *store = gate_store(fixture->gate);
    struct error error = {.text = ""};
    char path[256];
    assert_int_equal(key_store_change(store, let_in, &key, NULL), 0);
    snprintf(path, sizeof path, "%s/known", fixture->folder);
    assert_int_equal(os_write_atomic(path, "ratchet-keys 1\nnonsense\n", 24, 0600, NULL), 0);
    assert_int_equal(key_store_refresh(store, &error), KEY_STORE_DAMAGED);
    assert_non_null(strstr(error.text, "known: line 2"));
    assert_int_equal(key_store_refresh(store, &error), KEY_STORE_SAME);
    assert_int_equal(gate_role(fixture->gate, &key), GATE_WORKER);
    assert_int_equal(key_store_change(store, let_in, &stranger, &error), -1);
    assert_int_equal(gate_role(fixture->gate, &stranger), GATE_STRANGER);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(key_store_refresh(store, &error), KEY_STORE_CHANGED);
    assert_int_equal(gate_role(fixture->gate, &key), GATE_STRANGER);
}

static void test_secrets_are_their_owners(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {.text = ""};
    char path[256];
    snprintf(path, sizeof path, "%s/server.key", fixture->folder);
    assert_int_equal(chmod(path, 0640), 0);
    assert_null(key_store_open(fixture->folder, 0, &error));
    assert_non_null(strstr(error.text, "chmod 600"));
    assert_int_equal(chmod(path, 0600), 0);
    if (geteuid() == 0) { /* who else may give files away? */
        assert_int_equal(chown(path, 1, 1), 0);
        assert_null(key_store_open(fixture->folder, 0, &error));
        assert_non_null(strstr(error.text, "another user: chown"));
        assert_int_equal(chown(fixture->folder, 1, 1), 0);
        assert_null(key_store_open(fixture->folder, 0, &error));
        assert_non_null(strstr(error.text, "keys and belongs to another user: chown"));
        assert_int_equal(chown(fixture->folder, 0, 0), 0);
        assert_int_equal(chown(path, 0, 0), 0);
    }
    assert_int_equal(chmod(fixture->folder, 0755), 0);
    assert_null(key_store_open(fixture->folder, 0, &error));
    assert_non_null(strstr(error.text, "chmod 700"));
}

static void test_an_instance_is_one_keys(void **state)
{
    struct fixture *fixture = *state;
    struct gate *gate = fixture->gate;
    struct public_key key = new_key(), thief = new_key();
    const struct instance_id instance = instance_of(1);
    const struct gate_living living = {nobody, NULL};
    assert_int_equal(gate_binding(gate, &instance, &key), GATE_UNBOUND);
    assert_true(gate_bind(gate, &instance, &key, &living));
    assert_true(gate_bind(gate, &instance, &key, &living));
    assert_false(gate_bind(gate, &instance, &thief, &living));
    assert_int_equal(gate_binding(gate, &instance, &key), GATE_OWN);
    assert_int_equal(gate_binding(gate, &instance, &thief), GATE_ANOTHERS);
    /* Where the thief was heard nothing is sent, until the rightful one is heard there. */
    assert_true(gate_trusts_route(gate, &instance, 0));
    gate_note_route(gate, &instance, 0, GATE_ANOTHERS);
    assert_false(gate_trusts_route(gate, &instance, 0));
    assert_true(gate_trusts_route(gate, &instance, 1));
    gate_note_route(gate, &instance, 0, GATE_OWN);
    assert_true(gate_trusts_route(gate, &instance, 0));
    const struct home_id home = {{7}};
    struct home_id mine = gate_home(&home, &key), theirs = gate_home(&home, &thief);
    assert_memory_not_equal(&mine, &theirs, sizeof mine);
}

static void test_the_banished_are_told_of_once(void **state)
{
    struct fixture *fixture = *state;
    struct gate *gate = fixture->gate;
    struct public_key keys[2] = {new_key(), new_key()}, key;
    struct instance_id instance;
    const struct gate_living living = {everybody, NULL};
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(key_store_change(gate_store(gate), let_in, &keys[i], NULL), 0);
    for (uint32_t i = 0; i < 6; i++) {
        instance = instance_of(i);
        assert_true(gate_bind(gate, &instance, &keys[i % 2], &living));
    }
    assert_false(gate_take_banished(gate, &instance, &key));
    assert_int_equal(key_store_change(gate_store(gate), revoke_key, &keys[1], NULL), 0);
    for (int i = 0; i < 3; i++) {
        assert_true(gate_take_banished(gate, &instance, &key));
        assert_true(public_key_equal(&key, &keys[1]));
        assert_int_equal(instance.bytes[4] % 2, 1);
    }
    assert_false(gate_take_banished(gate, &instance, &key));
    for (uint32_t i = 0; i < 6; i++) {
        instance = instance_of(i);
        assert_int_equal(gate_binding(gate, &instance, &keys[i % 2]),
                         i % 2 == 0 ? GATE_OWN : GATE_UNBOUND);
    }
}

static void test_room_is_made_by_the_dead(void **state)
{
    struct fixture *fixture = *state;
    struct public_key key = new_key();
    const struct gate_living all = {everybody, NULL}, none = {nobody, NULL};
    struct instance_id instance;
    for (uint32_t i = 0; i < 2 * SESSIONS_MAX; i++) {
        instance = instance_of(i);
        assert_true(gate_bind(fixture->gate, &instance, &key, &all));
    }
    instance = instance_of(UINT32_MAX);
    assert_false(gate_bind(fixture->gate, &instance, &key, &all));
    assert_true(gate_bind(fixture->gate, &instance, &key, &none));
    assert_int_equal(gate_binding(fixture->gate, &instance, &key), GATE_OWN);
    instance = instance_of(0);
    assert_int_equal(gate_binding(fixture->gate, &instance, &key), GATE_UNBOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_roles, setup, teardown),
        cmocka_unit_test_setup_teardown(test_others_change_the_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_attempt_hides_no_change, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_lock_that_is_held_is_not_waited_for, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_secrets_are_their_owners, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_instance_is_one_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_banished_are_told_of_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_room_is_made_by_the_dead, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
