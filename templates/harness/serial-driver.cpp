// serial-driver.cpp - talks to a board over its serial line, bit by bit, and writes down what it answers.
//
// Standard input, little-endian 32-bit words:
//   words that follow, seed, 65536ths of a clock cycle that a bit takes on our side (low word, high word), cycles of silence after
//   which all is said, messages; each of them: cycles of silence before it, whether its last stop bit is low, bytes,
//   the bytes, padded to whole words.
// Standard output: doubles; cycles in all, bytes n, n times (cycle of the start bit, byte, whether its stop bit was high).
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "request.h"
#include "serial-dut.h"

namespace {

uint64_t cycle = 0;
uint64_t bit = 0;  // 65536ths of a cycle
uint64_t last_heard = 0;
std::vector<double> heard;
uint32_t heard_bytes = 0;

// Reads the board's line: every bit in its middle, counted from the falling edge of the start bit.
struct Listener {
    bool busy = false;
    uint64_t start = 0;
    uint32_t index = 0;  // 0 is the start bit
    uint32_t value = 0;

    void hear(bool tx) {
        if (!busy) {
            if (tx) return;
            busy = true;
            start = cycle;
            index = 0;
            value = 0;
        }
        last_heard = cycle;
        const uint64_t due = start + ((bit * (2 * index + 1)) >> 17);
        if (cycle < due) return;
        if (index > 0 && index < 9) value |= uint32_t(tx) << (index - 1);
        if (index == 9) {
            heard.push_back(static_cast<double>(start));
            heard.push_back(value);
            heard.push_back(tx);
            heard_bytes++;
            busy = false;
        }
        index++;
    }
};

Listener listener;

void step(bool level) {
    listener.hear(serial_cycle(level));
    cycle++;
    if ((cycle & 0xffff) == 0) leave_when_alone();
}

// Bits end where they would with no rounding: the error does not add up.
struct Sender {
    uint64_t at = 0;  // 65536ths of a cycle

    void send(bool level) {
        at += bit;
        while (cycle < at >> 16) step(level);
    }
    void rest(uint64_t cycles) {
        for (uint64_t i = 0; i < cycles; i++) step(true);
        if (at < cycle << 16) at = cycle << 16;
    }
};

}  // namespace

int main() {
    const std::vector<uint32_t> words = read_request();
    size_t next = 0;
    auto take = [&]() -> uint32_t {
        if (next >= words.size()) {
            std::fprintf(stderr, "the request ends early\n");
            std::exit(3);
        }
        return words[next++];
    };
    const uint32_t seed = take();
    bit = take();
    bit |= uint64_t(take()) << 32;
    const uint32_t quiet = take();
    const uint32_t messages = take();

    serial_open(seed);
    Sender sender;
    for (uint32_t m = 0; m < messages; m++) {
        sender.rest(take());
        const bool broken = take() != 0;
        const uint32_t bytes = take();
        uint32_t word = 0;
        for (uint32_t b = 0; b < bytes; b++) {
            if (b % 4 == 0) word = take();
            const uint32_t byte = word >> (8 * (b % 4)) & 255;
            sender.send(false);
            for (int i = 0; i < 8; i++) sender.send(byte >> i & 1);
            sender.send(!(broken && b + 1 == bytes));
        }
    }
    last_heard = cycle;
    while (cycle - last_heard < quiet) step(true);
    serial_close();

    std::vector<double> answer = {static_cast<double>(cycle), static_cast<double>(heard_bytes)};
    answer.insert(answer.end(), heard.begin(), heard.end());
    if (std::fwrite(answer.data(), sizeof(double), answer.size(), stdout) != answer.size()) return 5;
    return std::fflush(stdout) == 0 ? 0 : 5;
}
