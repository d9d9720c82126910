/* A machine that does jobs (packs, sorts) on libmodbus (LGPL), an implementation of Modbus TCP that is not ours.
 *
 * Registers as the drivers' defaults: 0 job, then its values, go, 10 done, 11 state, 12 result (always 0). The first
 * argument is the register that starts a job (packer 4, sorter 5). A first value over 600 is refused. A job ends after
 * the done register has been read three times. Prints its port. Second argument "drop-go": closes the connection instead
 * of answering the first go. */
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

enum { JOB = 0, DONE = 10, STATE = 11, REGISTERS = 13, READS_PER_JOB = 3, TOO_LARGE = 600 };

static int go_register;

static int is_go(const uint8_t *query, int offset) {
    int address = (query[offset + 1] << 8) | query[offset + 2];
    return query[offset] == MODBUS_FC_WRITE_SINGLE_REGISTER && address == go_register;
}

static int reads_done(const uint8_t *query, int offset) {
    int address = (query[offset + 1] << 8) | query[offset + 2];
    return query[offset] == MODBUS_FC_READ_HOLDING_REGISTERS && address == DONE;
}

int main(int count, char **words) {
    go_register = count > 1 ? atoi(words[1]) : 4;
    int drops_go = count > 2 && strcmp(words[2], "drop-go") == 0;
    int starts = 0, reads_left = 0;
    modbus_t *link = modbus_new_tcp("127.0.0.1", 0);
    modbus_mapping_t *map = modbus_mapping_new(0, 0, REGISTERS, 0);
    int listener = modbus_tcp_listen(link, 1), offset = modbus_get_header_length(link);
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    getsockname(listener, (struct sockaddr *)&name, &size);
    printf("%d\n", ntohs(name.sin_port));
    fflush(stdout);
    while (modbus_tcp_accept(link, &listener) >= 0) {
        uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
        int length;
        while ((length = modbus_receive(link, query)) >= 0) {
            uint16_t *registers = map->tab_registers;
            if (length > 0 && is_go(query, offset)) {
                if (registers[JOB + 1] > TOO_LARGE) {
                    modbus_reply_exception(link, query, MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE);
                    continue;
                }
                starts++;
                fprintf(stderr, "start %d\n", registers[JOB]);
                registers[STATE] = 1;
                reads_left = READS_PER_JOB;
                if (drops_go && starts == 1) {
                    registers[go_register] = 1;
                    break;
                }
            }
            if (length > 0 && reads_done(query, offset) && reads_left > 0 && --reads_left == 0) {
                registers[DONE] = registers[JOB];
                registers[go_register] = 0;
                registers[STATE] = 0;
            }
            modbus_reply(link, query, length, map);
        }
        modbus_close(link);
    }
    return 0;
}
