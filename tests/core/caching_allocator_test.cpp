// What the allocator takes from the driver, worked by hand from the rules in c10/cuda/CUDACachingAllocator.cpp.

#include <catch2/catch.hpp>

#include "machine/allocation_log.hpp"
#include "support/scenarios.hpp"

using namespace gpumem;

namespace {
constexpr double KiB = 1024, MiB = 1024 * KiB;
}

TEST_CASE("small requests share segments of 2 MiB, in steps of 512 bytes", "[allocator]") {
  CachingAllocator a;
  a.allocate(1);
  CHECK(a.reserved() == 2 * MiB);
  a.allocate(1, 4095);
  CHECK(a.reserved() == 2 * MiB);   // 4096 blocks fill it
  a.allocate(513);
  CHECK(a.reserved() == 4 * MiB);
}

TEST_CASE("requests between 1 and 10 MiB share segments of 20 MiB", "[allocator]") {
  CachingAllocator a;
  a.allocate(1 * MiB);
  CHECK(a.reserved() == 2 * MiB);
  a.allocate(1 * MiB + 1);
  CHECK(a.reserved() == 22 * MiB);
  CachingAllocator b;
  b.allocate(9 * MiB);
  b.allocate(9 * MiB);
  CHECK(b.reserved() == 20 * MiB);
  b.allocate(9 * MiB);
  CHECK(b.reserved() == 40 * MiB);
}

TEST_CASE("from 10 MiB on a request has a segment of its own, in steps of 2 MiB", "[allocator]") {
  CachingAllocator a;
  a.allocate(10 * MiB);
  CHECK(a.reserved() == 10 * MiB);
  a.allocate(10 * MiB + 1);
  CHECK(a.reserved() == 22 * MiB);
}

TEST_CASE("a large block is only split if more than 1 MiB is left", "[allocator]") {
  CachingAllocator a;
  a.release(a.allocate(12 * MiB));
  a.allocate(11 * MiB);        // leaves 1 MiB, which it keeps
  a.allocate(512 * KiB + MiB); // so nothing is left for this one
  CHECK(a.reserved() == 32 * MiB);
  CachingAllocator b;
  b.release(b.allocate(14 * MiB));
  b.allocate(12 * MiB);
  b.allocate(2 * MiB);
  CHECK(b.reserved() == 14 * MiB);
}

TEST_CASE("the smallest free block that fits is taken, and freed neighbours become one", "[allocator]") {
  CachingAllocator a;
  const int large = a.allocate(100 * MiB), medium = a.allocate(50 * MiB);
  a.release(large);
  a.release(medium);
  const int first = a.allocate(40 * MiB);   // of the 50
  a.allocate(60 * MiB);                     // of the 100
  CHECK(a.reserved() == 150 * MiB);
  a.allocate(45 * MiB);                     // 10 and 40 are left
  CHECK(a.reserved() == 196 * MiB);
  a.release(first);
  a.allocate(50 * MiB);
  CHECK(a.reserved() == 196 * MiB);
}

TEST_CASE("before it fails it gives back segments that are free as a whole", "[allocator]") {
  CachingAllocator a({.limit = 100 * MiB});
  a.release(a.allocate(60 * MiB));
  a.allocate(80 * MiB);
  CHECK(a.reserved() == 80 * MiB);
  CHECK(a.most_reserved() == 80 * MiB);
  a.allocate(40 * MiB);   // what the run needs is said, though the card has less
  CHECK(a.most_reserved() == 120 * MiB);
}

TEST_CASE("blocks above the largest size to split serve only requests of about their own size", "[allocator]") {
  CachingAllocator a({.max_split = 50 * MiB});
  a.release(a.allocate(100 * MiB));
  a.allocate(30 * MiB);
  CHECK(a.reserved() == 130 * MiB);
  a.allocate(60 * MiB);   // 100 is 20 MiB or more too much
  CHECK(a.reserved() == 190 * MiB);
  a.allocate(90 * MiB);
  CHECK(a.reserved() == 190 * MiB);
}

TEST_CASE("expandable segments grow by pages of 20 MiB and leave nothing behind", "[allocator]") {
  CachingAllocator a({.expandable = true});
  a.release(a.allocate(30 * MiB));
  CHECK(a.reserved() == 40 * MiB);
  a.release(a.allocate(50 * MiB));
  CHECK(a.reserved() == 60 * MiB);
  a.allocate(60 * MiB);
  CHECK(a.reserved() == 60 * MiB);
}

TEST_CASE("several requests at once are the same as one after the other", "[allocator]") {
  CachingAllocator a, b;
  for (CachingAllocator* one : {&a, &b}) {
    one->release(one->allocate(64 * MiB));
    one->allocate(15 * MiB);
  }
  const int together = a.allocate(20 * MiB, 4);
  for (int i = 0; i < 4; ++i) b.allocate(20 * MiB);
  CHECK(a.reserved() == 104 * MiB);   // two of the 49 that are left, two of their own
  CHECK(b.reserved() == 104 * MiB);
  a.release(together);
  a.allocate(49 * MiB);
  CHECK(a.reserved() == 104 * MiB);
}

TEST_CASE("the first step makes the optimizer's states where its activations were", "[allocator]") {
  AllocationLog log;
  log.allocate(bytes(100 * MiB), 1);
  log.begin_step();
  log.allocate_state(bytes(30 * MiB), 1);
  int activation = log.allocate(bytes(40 * MiB), 1);
  log.release(activation);
  log.first_states();
  log.allocate(bytes(20 * MiB), 1);
  CHECK(log.most_reserved({}, 1) == 160 * MiB);   // the states in the 40; 20 more
  CHECK(log.most_reserved({}, 2) == 200 * MiB);   // and room for 40 again
  CHECK(log.most_reserved({}, 5) == 200 * MiB);
}

TEST_CASE("layers that are not run take about what they take one by one", "[allocator]") {
  using namespace gpumem::test;
  for (const char* checkpointing : {"none", "full"}) {
    const Document request = read(Json{{"model", {{"config", small_config(40)}}}, {"task", "training"},
                                       {"training", {{"microBatch", 4}, {"sequenceTokens", 4096}, {"checkpointing", checkpointing}}}});
    std::vector<Issue> issues;
    const Scenario scenario = read_scenario(request, Document::record(), issues);
    REQUIRE(issues.empty());
    const Run some = run_scenario(scenario), all = run_scenario(scenario, true);
    CHECK(some.reserved >= some.peak.highest);
    CHECK(in(bytes, some.reserved) == Approx(in(bytes, all.reserved)).epsilon(0.08));
  }
}

TEST_CASE("an option that makes segments grow leaves less unused", "[allocator]") {
  using namespace gpumem::test;
  const auto reserved = [](const Json& options) {
    const Json answer = estimated({{"model", {{"config", small_config(8)}}}, {"task", "training"}, {"engine", {{"options", options}}},
                                   {"training", {{"microBatch", 4}, {"sequenceTokens", 4096}}}});
    REQUIRE(answer["ok"] == true);
    CHECK(answer["devices"][0]["reservedBytes"]["low"] >= answer["devices"][0]["allocatedBytes"]);
    return answer["devices"][0]["reservedBytes"]["expected"].get<double>();
  };
  CHECK(reserved({{"expandable_segments", true}}) < reserved(Json::object()));
}
