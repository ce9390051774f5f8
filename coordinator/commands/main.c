/* main.c: the program `ratchet`. Everything is in the library beside it, where tests can reach it.
 */
#include "coordinator/commands/command.h"

int main(int argc, char **argv)
{
    return command_main(argc, argv);
}
