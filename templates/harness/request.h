// request.h - what a driver is asked on standard input: how many little-endian 32-bit words follow, then these.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

inline void read_exactly(void *into, size_t count) {
    uint8_t *at = static_cast<uint8_t *>(into);
    while (count > 0) {
        const ssize_t got = read(0, at, count);
        if (got <= 0) std::exit(3);
        at += got;
        count -= static_cast<size_t>(got);
    }
}

inline std::vector<uint32_t> read_request() {
    uint32_t count = 0;
    read_exactly(&count, 4);
    std::vector<uint32_t> words(count);
    read_exactly(words.data(), size_t(count) * 4);
    return words;
}

// Standard input is left open by whoever started us; when it closes, nobody waits for the result.
inline void leave_when_alone() {
    struct pollfd input = {0, POLLIN, 0};
    if (poll(&input, 1, 0) > 0) std::_Exit(3);
}
