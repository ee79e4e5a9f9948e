// stream-driver.cpp - drives one design with AXI4-Stream ports through scenarios and writes down what it did.
//
// Standard input, little-endian 32-bit words:
//   words that follow, seed, taps, inputs, per input: bytes of a beat, beats of a stored packet; outputs, per output:
//   bytes of a beat; stored packets, per input: their beats (bytes, padded to whole words); streams with given beats,
//   per stream: words of a beat, words in all; per stream: these; scenarios; each of them:
//     reset cycles, source idle /256, sink idle /256, sink mode (0 free, 1 ready only after valid, 2 closed until
//     nothing goes in for a quarter of the watchdog: all buffers are full then), stop after cycle (0 never), watchdog cycles, what stands on the streams between the stages
//     (0 what they carry, 1 random bits, 2 or 3 the given beats on those of even or odd depth, 4 what they carry, with
//     stalls), seed of the random bits,
//     per output: beats to wait for; packets, then per packet: stored packet, per input: beats to send.
//     tlast stands on the last beat sent; beats beyond the stored ones are random.
// Standard output: doubles; per scenario:
//   end (0 all outputs came, 1 watchdog, 2 stopped), cycles, first accepted input beat's cycle or -1,
//   frame errors n, their n cycles, protocol findings n, n times (rule, cycle),
//   per output: beats n, n times (cycle, tlast, bytes), per tap: n, n values, n cycles.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "dut.h"
#include "request.h"

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
    // Those that only the assertions beside the design find.
    LAST_MISPLACED = 5,
    PACKET_MADE_UP = 6,
    PACKET_LOST = 7,
};

struct Tap {
    std::vector<double> values;
    std::vector<double> cycles;
};

std::vector<Tap> taps;
uint64_t cycle = 0;
constexpr size_t MOST_FINDINGS = 64;
std::vector<double> findings;  // rule and cycle of each

void find(Rule rule) {
    if (findings.size() >= 2 * MOST_FINDINGS) return;
    findings.push_back(rule);
    findings.push_back(static_cast<double>(cycle));
}

uint32_t force_mode = 0;
uint32_t force_state = 0;
uint64_t gate_span = 1;

// Beats that the wrapper puts onto one stream.
struct Given {
    uint32_t words = 0;
    std::vector<uint32_t> beats;
};
std::vector<Given> given;

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

struct Packet {
    uint32_t stored;
    std::vector<uint32_t> beats;  // by input
};

// Offers the beats of one input port, each until it is taken.
struct Source {
    uint32_t input = 0;
    uint32_t stored_beats = 0;
    const uint8_t *pool = nullptr;
    size_t packet = 0;
    uint32_t beat = 0;
    uint32_t pause = 0;

    void restart() {
        packet = 0;
        beat = pause = 0;
    }
    void offer(Port &port, const std::vector<Packet> &packets, uint32_t idle, Random &random) {
        if (!port.tvalid && packet < packets.size()) {
            if (pause > 0) pause--;
            else if (idle > 0 && random.chance(idle)) pause = random.next() >> 8 & 7;
            else {
                const Packet &now = packets[packet];
                const size_t size = port.tdata.size();
                if (beat < stored_beats)
                    std::memcpy(port.tdata.data(), pool + (size_t(now.stored) * stored_beats + beat) * size, size);
                else
                    for (uint8_t &byte : port.tdata) byte = static_cast<uint8_t>(random.next() >> 8);
                port.tlast = beat + 1 == now.beats[input];
                port.tvalid = true;
            }
        }
        if (port.tvalid) return;
        // What stands on an invalid beat means nothing.
        for (uint8_t &byte : port.tdata) byte = static_cast<uint8_t>(random.next() >> 8);
        port.tlast = random.next() >> 8 & 1;
    }
    void taken(Port &port, const std::vector<Packet> &packets) {
        port.tvalid = false;
        if (++beat == packets[packet].beats[input]) {
            packet++;
            beat = 0;
        }
    }
};

// Takes the beats of one output port and remembers the one that it lets stand.
struct Sink {
    uint32_t wanted = 0;
    uint32_t beats = 0;
    uint32_t pause = 0;
    bool held = false;
    bool held_last = false;
    std::vector<uint8_t> held_beat;
    std::vector<double> record;

    bool ready(uint32_t idle, Random &random) {
        if (pause > 0) {
            pause--;
            return false;
        }
        if (idle == 0 || !random.chance(idle)) return true;
        pause = random.next() >> 8 & 7;
        return false;
    }
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

// A broken rule, of the assertions that are bound to the design.
extern "C" void nf_broken(int rule) {
    // Beats that are given to streams between the stages come from no packet, and what holds those up, holds up packets too.
    if ((force_mode == 2 || force_mode == 3) && rule >= PACKET_MADE_UP) return;
    if (force_mode == 4 && rule == PACKET_LOST) return;
    find(static_cast<Rule>(rule));
}

// Random bits for the wrapper that forces a stage's input stream.
extern "C" int nf_force_word() {
    Random random = {force_state};
    const uint32_t word = random.next();
    force_state = random.state;
    return static_cast<int>(word);
}

// Which of 32 streams between the stages may go on, bit by bit: three quarters of them by chance. One stream after the other
// is held up for long, so that what is before it fills up and what is behind it runs dry; as long, none is.
extern "C" int nf_gate_word(int word, int streams) {
    const uint32_t first = static_cast<uint32_t>(nf_force_word());
    const uint32_t open = first | static_cast<uint32_t>(nf_force_word());
    const uint64_t phase = cycle / gate_span;
    const uint64_t closed = phase / 2 % static_cast<uint64_t>(streams);
    const bool is_here = phase % 2 == 0 && closed / 32 == static_cast<uint64_t>(word);
    return static_cast<int>(is_here ? open & ~(uint32_t(1) << closed % 32) : open);
}

extern "C" int nf_force_mode() { return static_cast<int>(force_mode); }

// Word of the given beat of a stream; 0 beyond the last one.
extern "C" int nf_force_given(int stream, int beat, int word) {
    const Given &of = given.at(static_cast<size_t>(stream));
    const size_t at = size_t(beat) * of.words + static_cast<size_t>(word);
    return at < of.beats.size() ? static_cast<int>(of.beats[at]) : 0;
}

int main() {
    Request request;
    request.words = read_request();

    const uint32_t seed = request.next();
    Dut dut;
    taps.resize(request.next());
    std::vector<Source> sources(request.next());
    dut.inputs.resize(sources.size());
    for (size_t i = 0; i < sources.size(); i++) {
        sources[i].input = static_cast<uint32_t>(i);
        dut.inputs[i].tdata.resize(request.next());
        sources[i].stored_beats = request.next();
    }
    const size_t outputs = request.next();
    dut.outputs.resize(outputs);
    for (Port &port : dut.outputs) port.tdata.resize(request.next());
    const uint32_t stored_packets = request.next();
    for (size_t i = 0; i < sources.size(); i++)
        sources[i].pool = request.bytes(size_t(stored_packets) * sources[i].stored_beats * dut.inputs[i].tdata.size());
    given.resize(request.next());
    for (Given &of : given) {
        of.words = request.next();
        of.beats.resize(request.next());
    }
    for (Given &of : given)
        for (uint32_t &word : of.beats) word = request.next();
    const uint32_t scenarios = request.next();

    Random random = {seed | 1};
    dut_open(seed, WAKE_RANDOM);
    uint32_t wakings = 0;
    std::vector<double> answer;

    for (uint32_t s = 0; s < scenarios; s++) {
        const uint32_t reset_cycles = request.next();
        const uint32_t source_idle = request.next();
        const uint32_t sink_idle = request.next();
        const uint32_t sink_mode = request.next();
        const uint32_t stop_after = request.next();
        const uint32_t watchdog = request.next();
        gate_span = watchdog / 16 + 1;
        const uint32_t mode = request.next();
        force_state = request.next();
        // What is forced is never released, on which simulators disagree: a new model begins without. Its registers wake up
        // in another way than those of the models before: a register that is not reset shows.
        if (mode != force_mode && mode != 4) {
            dut_close();
            wakings++;
            dut_open(seed + wakings, wakings == 1 ? WAKE_ONES : wakings == 2 ? WAKE_ZEROS : WAKE_RANDOM);
        }
        force_mode = mode;
        std::vector<Sink> sinks(outputs);
        for (Sink &sink : sinks) sink.wanted = request.next();
        std::vector<Packet> packets(request.next());
        for (Packet &packet : packets) {
            packet.stored = request.next();
            for (size_t i = 0; i < sources.size(); i++) packet.beats.push_back(request.next());
        }

        std::vector<double> errors;
        findings.clear();

        for (Source &source : sources) source.restart();
        for (Port &port : dut.inputs) port.tvalid = port.tlast = false;
        for (Port &port : dut.outputs) port.tready = false;
        dut.aresetn = false;
        for (uint32_t i = 0; i < reset_cycles; i++, cycle++) {
            dut_cycle(cycle);
            dut_settle(dut);
            for (const Port &port : dut.outputs)
                if (port.tvalid) find(VALID_IN_RESET);
            for (const Port &port : dut.inputs)
                if (port.tready) find(READY_IN_RESET);
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
        uint64_t last_input = cycle;
        bool opened = false;
        // After the last output a while must pass without another one; stages whose results no output needs go on for a
        // packet at most, longer where they are held up, and the taps are to see all of them.
        const uint32_t settled = taps.empty() ? 64 : force_mode == 4 ? 64 + 2 * watchdog : 64 + watchdog / 4;
        uint32_t quiet = 0;
        int end = -1;
        while (end < 0) {
            opened = opened || cycle - last_input > watchdog / 4;
            for (size_t i = 0; i < sources.size(); i++) sources[i].offer(dut.inputs[i], packets, source_idle, random);
            for (size_t o = 0; o < outputs; o++)
                dut.outputs[o].tready = sink_mode == 1   ? sinks[o].held
                                        : sink_mode == 2 ? opened
                                                         : sinks[o].ready(sink_idle, random);

            dut_cycle(cycle);
            dut_settle(dut);

            bool complete = true;
            for (size_t o = 0; o < outputs; o++) {
                const Port &port = dut.outputs[o];
                Sink &sink = sinks[o];
                if (sink.held && !port.tvalid) find(VALID_WITHDRAWN);
                if (sink.held && port.tvalid) {
                    if (port.tdata != sink.held_beat) find(DATA_CHANGED);
                    if (port.tlast != sink.held_last) find(LAST_CHANGED);
                }
                if (port.tvalid && port.tready) {
                    sink.record.push_back(static_cast<double>(cycle));
                    sink.record.push_back(port.tlast);
                    for (uint8_t byte : port.tdata) sink.record.push_back(byte);
                    sink.beats++;
                    progress = cycle;
                }
                sink.held = port.tvalid && !port.tready;
                if (sink.held) {
                    sink.held_beat = port.tdata;
                    sink.held_last = port.tlast;
                }
                complete = complete && sink.beats >= sink.wanted;
            }
            for (size_t i = 0; i < sources.size(); i++)
                if (dut.frame_error >> i & 1) errors.push_back(static_cast<double>(cycle));
            dut_edge();
            for (size_t i = 0; i < sources.size(); i++) {
                Port &port = dut.inputs[i];
                if (port.tvalid && port.tready) {
                    if (first_input < 0) first_input = static_cast<double>(cycle);
                    sources[i].taken(port, packets);
                    progress = last_input = cycle;
                }
                complete = complete && sources[i].packet == packets.size();
            }
            cycle++;
            if (complete && ++quiet > settled) end = 0;
            else if (stop_after > 0 && cycle - start >= stop_after) end = 2;
            else if (!complete && cycle - progress > watchdog) end = 1;
            if ((cycle & 0xfff) == 0) leave_when_alone();
        }

        answer.push_back(end);
        answer.push_back(static_cast<double>(cycle - start));
        answer.push_back(first_input);
        answer.push_back(static_cast<double>(errors.size()));
        answer.insert(answer.end(), errors.begin(), errors.end());
        answer.push_back(static_cast<double>(findings.size() / 2));
        answer.insert(answer.end(), findings.begin(), findings.end());
        for (const Sink &sink : sinks) {
            answer.push_back(sink.beats);
            answer.insert(answer.end(), sink.record.begin(), sink.record.end());
        }
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
