// bench-driver.cpp - many small streams at once: gives sources their beats, writes down what sinks take.
//
// Standard input, 32-bit words: words that follow, seed, passes, sources, sinks; per source: words of a beat, beats,
// the beats; per sink: words of a beat, beats to expect; per pass: idle of sources and of sinks in 256ths.
// Standard output, 32-bit words: per pass and sink: beats, faults, the beats, the cycles in which they were taken.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "bench.h"
#include "request.h"

namespace {

struct Stream {
    uint32_t words = 0;
    uint32_t beats = 0;
    uint32_t at = 0;
    uint32_t faults = 0;
    std::vector<uint32_t> data;
    std::vector<uint32_t> cycles;
};

std::vector<Stream> sources, sinks;
uint32_t source_idle = 0, sink_idle = 0, state = 1;
uint32_t progress = 0, cycle = 0, pass = 0;

uint32_t random_word() {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state >> 8;
}

// Of the pass, the cycle and the stream alone: bench.ts makes the same choices.
bool idle(uint32_t chance, uint32_t stream) {
    uint32_t x = cycle * 0x9e3779b1u + stream * 0x85ebca6bu + pass * 0xc2b2ae35u;
    x = (x ^ (x >> 15)) * 0x2c1b3c6du;
    x = (x ^ (x >> 12)) * 0x297a2d39u;
    return ((x >> 16) & 255) < chance;
}

}  // namespace

extern "C" void bench_next(int id, svBit *valid, svBitVecVal *data) {
    Stream &stream = sources[id];
    for (int i = 0; i < 32; i++) data[i] = random_word() << 8;
    *valid = stream.at < stream.beats && !idle(source_idle, id);
    if (!*valid) return;
    for (uint32_t i = 0; i < stream.words; i++) data[i] = stream.data[stream.at * stream.words + i];
    stream.at++;
    progress = cycle;
}

extern "C" void bench_take(int id, const svBitVecVal *data) {
    Stream &stream = sinks[id];
    for (uint32_t i = 0; i < stream.words; i++) stream.data.push_back(data[i]);
    stream.cycles.push_back(cycle);
    stream.at++;
    progress = cycle;
}

extern "C" int bench_ready(int id) { return !idle(sink_idle, static_cast<uint32_t>(sources.size()) + id); }

extern "C" void bench_fault(int id) { sinks[id].faults++; }

int main() {
    const std::vector<uint32_t> request = read_request();
    size_t at = 0;
    state = request[at++] | 1;
    const uint32_t passes = request[at++];
    sources.resize(request[at++]);
    sinks.resize(request[at++]);
    for (Stream &source : sources) {
        source.words = request[at++];
        source.beats = request[at++];
        source.data.assign(request.begin() + at, request.begin() + at + size_t(source.words) * source.beats);
        at += size_t(source.words) * source.beats;
    }
    for (Stream &sink : sinks) {
        sink.words = request[at++];
        sink.beats = request[at++];
    }
    bench_open(state);
    std::vector<uint32_t> answer;
    for (pass = 0; pass < passes; pass++) {
        source_idle = request[at++];
        sink_idle = request[at++];
        for (Stream &source : sources) source.at = 0;
        for (Stream &sink : sinks) {
            sink.at = 0;
            sink.faults = 0;
            sink.data.clear();
            sink.cycles.clear();
        }
        bench_cycle(false);
        progress = cycle = 0;
        for (uint32_t quiet = 0; quiet < 64 && cycle - progress < 20000; cycle++) {
            bench_cycle(true);
            bool complete = true;
            for (const Stream &sink : sinks) complete = complete && sink.at >= sink.beats;
            for (const Stream &source : sources) complete = complete && source.at >= source.beats;
            if (complete) quiet++;
        }
        for (const Stream &sink : sinks) {
            answer.push_back(sink.at);
            answer.push_back(sink.faults);
            answer.insert(answer.end(), sink.data.begin(), sink.data.end());
            answer.insert(answer.end(), sink.cycles.begin(), sink.cycles.end());
        }
    }
    bench_close();
    if (std::fwrite(answer.data(), 4, answer.size(), stdout) != answer.size()) return 5;
    return std::fflush(stdout) == 0 ? 0 : 5;
}
