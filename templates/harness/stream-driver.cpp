// stream-driver.cpp - drives one AXI4-Stream design through scenarios and writes down what it did.
//
// Standard input, little-endian 32-bit words:
//   words that follow, seed, input bytes per beat, output bytes per beat, taps, beats per stored packet,
//   stored packets, then their beats (bytes, padded to whole words), then the number of scenarios; each of them:
//     reset cycles, source idle /256, sink idle /256, sink mode (0 free, 1 ready only after valid, 2 closed until
//     the watchdog's half), stop after cycle (0 never), output beats to wait for, watchdog cycles,
//     what stands on the force inputs (0 nothing, else a seed), packets, then per packet: stored packet, beats to send.
//     tlast stands on the last beat sent; beats beyond the stored ones are random.
// Standard output: doubles; per scenario:
//   end (0 all outputs came, 1 watchdog, 2 stopped), cycles, first accepted input beat's cycle or -1,
//   frame errors n, their n cycles, protocol findings n, n times (rule, cycle),
//   output beats n, n times (cycle, tlast, bytes), per tap: n, n values, n cycles.
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "dut.h"

namespace {

struct Random {
    uint32_t state;
    uint32_t next() {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        return state;
    }
    bool chance(uint32_t of256) { return (next() >> 8 & 255) < of256; }
};

// Rules of the protocol, numbered as the reader in compiler/verify expects them.
enum Rule {
    VALID_IN_RESET = 0,
    READY_IN_RESET = 1,
    VALID_WITHDRAWN = 2,
    DATA_CHANGED = 3,
    LAST_CHANGED = 4,
};

struct Tap {
    std::vector<double> values;
    std::vector<double> cycles;
};

std::vector<Tap> taps;
uint64_t cycle = 0;
uint32_t force_state = 0;

struct Request {
    std::vector<uint32_t> words;
    size_t at = 0;
    uint32_t next() {
        if (at >= words.size()) {
            std::fprintf(stderr, "the request ends early\n");
            std::exit(3);
        }
        return words[at++];
    }
    const uint8_t *bytes(size_t count) {
        const size_t size = (count + 3) / 4;
        if (at + size > words.size()) {
            std::fprintf(stderr, "the request ends early\n");
            std::exit(3);
        }
        const uint8_t *start = reinterpret_cast<const uint8_t *>(words.data() + at);
        at += size;
        return start;
    }
};

void read_exactly(void *into, size_t count) {
    uint8_t *at = static_cast<uint8_t *>(into);
    while (count > 0) {
        const ssize_t got = read(0, at, count);
        if (got <= 0) std::exit(3);
        at += got;
        count -= static_cast<size_t>(got);
    }
}

// Standard input is left open by whoever started us; when it closes, nobody waits for the result.
void leave_when_alone() {
    struct pollfd input = {0, POLLIN, 0};
    if (poll(&input, 1, 0) > 0) std::_Exit(3);
}

struct Beat {
    double cycle;
    bool last;
};

struct Packet {
    uint32_t stored;
    uint32_t beats;
};

}  // namespace

extern "C" void nf_tap(int index, long long value) {
    if (index < 0 || static_cast<size_t>(index) >= taps.size()) {
        std::fprintf(stderr, "tap %d does not exist\n", index);
        std::exit(4);
    }
    taps[index].values.push_back(static_cast<double>(value));
    taps[index].cycles.push_back(static_cast<double>(cycle));
}

// Random bits for the wrapper that forces a stage's input stream.
extern "C" int nf_force_word() {
    Random random = {force_state};
    const uint32_t word = random.next();
    force_state = random.state;
    return static_cast<int>(word);
}

extern "C" int nf_force_active() { return force_state != 0; }

int main() {
    Request request;
    uint32_t count = 0;
    read_exactly(&count, 4);
    request.words.resize(count);
    read_exactly(request.words.data(), size_t(count) * 4);

    const uint32_t seed = request.next();
    Dut dut = {};
    dut.s_bytes = request.next();
    dut.m_bytes = request.next();
    taps.resize(request.next());
    const uint32_t stored_beats = request.next();
    const uint32_t stored_packets = request.next();
    const uint8_t *pool = request.bytes(size_t(stored_packets) * stored_beats * dut.s_bytes);
    const uint32_t scenarios = request.next();

    std::vector<uint8_t> in_beat(dut.s_bytes), out_beat(dut.m_bytes), held_beat(dut.m_bytes);
    dut.s_tdata = in_beat.data();
    dut.m_tdata = out_beat.data();
    Random random = {seed | 1};
    dut_open(seed);
    std::vector<double> answer;

    for (uint32_t s = 0; s < scenarios; s++) {
        const uint32_t reset_cycles = request.next();
        const uint32_t source_idle = request.next();
        const uint32_t sink_idle = request.next();
        const uint32_t sink_mode = request.next();
        const uint32_t stop_after = request.next();
        const uint32_t wanted = request.next();
        const uint32_t watchdog = request.next();
        force_state = request.next();
        std::vector<Packet> packets(request.next());
        for (Packet &packet : packets) {
            packet.stored = request.next();
            packet.beats = request.next();
        }

        std::vector<double> errors, findings, output;
        uint32_t output_beats = 0;
        auto find = [&](Rule rule) {
            if (findings.size() >= 64) return;
            findings.push_back(rule);
            findings.push_back(static_cast<double>(cycle));
        };

        dut.s_tvalid = false;
        dut.s_tlast = false;
        dut.m_tready = false;
        dut.aresetn = false;
        for (uint32_t i = 0; i < reset_cycles; i++, cycle++) {
            dut_settle(dut);
            if (dut.m_tvalid) find(VALID_IN_RESET);
            if (dut.s_tready) find(READY_IN_RESET);
            dut_edge();
        }
        dut.aresetn = true;
        for (Tap &tap : taps) {
            tap.values.clear();
            tap.cycles.clear();
        }

        double first_input = -1;
        const uint64_t start = cycle;
        uint64_t progress = cycle;
        size_t packet = 0;
        uint32_t beat = 0;
        bool offered = false, held = false, held_last = false;
        uint32_t source_pause = 0, sink_pause = 0, quiet = 0;
        int end = -1;
        while (end < 0) {
            // Source: once a beat is offered it stays until it is taken.
            if (!offered && packet < packets.size()) {
                if (source_pause > 0) source_pause--;
                else if (source_idle > 0 && random.chance(source_idle)) source_pause = random.next() >> 8 & 7;
                else {
                    const Packet &now = packets[packet];
                    if (beat < stored_beats)
                        std::memcpy(in_beat.data(), pool + (size_t(now.stored) * stored_beats + beat) * dut.s_bytes,
                                    dut.s_bytes);
                    else
                        for (uint8_t &byte : in_beat) byte = static_cast<uint8_t>(random.next() >> 8);
                    dut.s_tlast = beat + 1 == now.beats;
                    offered = true;
                }
            }
            if (!offered) {
                // What stands on an invalid beat means nothing.
                for (uint8_t &byte : in_beat) byte = static_cast<uint8_t>(random.next() >> 8);
                dut.s_tlast = random.next() >> 8 & 1;
            }
            dut.s_tvalid = offered;
            // Sink.
            if (sink_mode == 1) dut.m_tready = held;
            else if (sink_mode == 2) dut.m_tready = cycle - start > watchdog / 2;
            else if (sink_pause > 0) {
                sink_pause--;
                dut.m_tready = false;
            } else if (sink_idle > 0 && random.chance(sink_idle)) {
                sink_pause = random.next() >> 8 & 7;
                dut.m_tready = false;
            } else dut.m_tready = true;

            dut_settle(dut);

            if (held && !dut.m_tvalid) find(VALID_WITHDRAWN);
            if (held && dut.m_tvalid) {
                if (out_beat != held_beat) find(DATA_CHANGED);
                if (dut.m_tlast != held_last) find(LAST_CHANGED);
            }
            if (dut.frame_error) errors.push_back(static_cast<double>(cycle));
            const bool taken = dut.s_tvalid && dut.s_tready;
            const bool given = dut.m_tvalid && dut.m_tready;
            if (given) {
                output.push_back(static_cast<double>(cycle));
                output.push_back(dut.m_tlast);
                for (uint8_t byte : out_beat) output.push_back(byte);
                output_beats++;
            }
            held = dut.m_tvalid && !dut.m_tready;
            if (held) {
                held_beat = out_beat;
                held_last = dut.m_tlast;
            }
            dut_edge();
            if (taken) {
                if (first_input < 0) first_input = static_cast<double>(cycle);
                offered = false;
                if (++beat == packets[packet].beats) {
                    packet++;
                    beat = 0;
                }
            }
            if (taken || given) progress = cycle;
            cycle++;
            // After the last output a while must pass without another one.
            if (output_beats >= wanted && packet == packets.size() && ++quiet > 64) end = 0;
            else if (stop_after > 0 && cycle - start >= stop_after) end = 2;
            else if (cycle - progress > watchdog) end = 1;
            if ((cycle & 0xfff) == 0) leave_when_alone();
        }

        answer.push_back(end);
        answer.push_back(static_cast<double>(cycle - start));
        answer.push_back(first_input);
        answer.push_back(static_cast<double>(errors.size()));
        answer.insert(answer.end(), errors.begin(), errors.end());
        answer.push_back(static_cast<double>(findings.size() / 2));
        answer.insert(answer.end(), findings.begin(), findings.end());
        answer.push_back(output_beats);
        answer.insert(answer.end(), output.begin(), output.end());
        for (const Tap &tap : taps) {
            answer.push_back(static_cast<double>(tap.values.size()));
            answer.insert(answer.end(), tap.values.begin(), tap.values.end());
            answer.insert(answer.end(), tap.cycles.begin(), tap.cycles.end());
        }
    }
    dut_close();
    if (std::fwrite(answer.data(), sizeof(double), answer.size(), stdout) != answer.size()) return 5;
    return std::fflush(stdout) == 0 ? 0 : 5;
}
