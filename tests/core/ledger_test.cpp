// What is alive, by component, and the highest moment of each stretch.

#include <catch2/catch.hpp>

#include "machine/machine.hpp"

using namespace gpumem;

namespace {

Value tensor(Memory& m, double count, Component component = Component::activations, int layer = 0) {
  return m.allocate({count}, bf16, component, "tensor", layer, 0);
}
double live(const Memory& m) { return in(bytes, m.ledger.live()); }

}  // namespace

TEST_CASE("every tensor is rounded up to 512 bytes", "[machine]") {
  CHECK(rounded_up(bytes(0)) == bytes(0));
  CHECK(rounded_up(bytes(1)) == bytes(512));
  CHECK(rounded_up(bytes(512)) == bytes(512));
  CHECK(rounded_up(bytes(513)) == bytes(1024));
  Memory m;
  const Value small = tensor(m, 1), exact = tensor(m, 256), over = tensor(m, 257);
  CHECK(live(m) == 512 + 512 + 1024);
  CHECK(m.ledger.parts()[Component::activations] == bytes(2 + 512 + 514));
  CHECK(m.ledger.parts()[Component::rounding] == bytes(510 + 0 + 510));
}

TEST_CASE("components sum to what is alive", "[machine]") {
  Memory m;
  const Value a = tensor(m, 1000, Component::activations), b = tensor(m, 3000, Component::gradients);
  Value c = tensor(m, 777, Component::logits);
  CHECK(m.ledger.parts().sum() == m.ledger.live());
  c.drop();
  CHECK(m.ledger.parts()[Component::logits] == bytes(0));
  CHECK(m.ledger.parts().sum() == m.ledger.live());
}

TEST_CASE("a stretch remembers its highest moment and what was alive then", "[machine]") {
  Memory m;
  m.ledger.enter("first", 3);
  Value a = tensor(m, 2560, Component::activations);
  Value b = tensor(m, 256, Component::logits);
  a.drop();
  m.ledger.enter("second", 4);
  Value c = tensor(m, 512);
  const auto& all = m.ledger.stretches();
  REQUIRE(all.size() == 2);
  CHECK(all[0].phase == "first");
  CHECK(all[0].layer == 3);
  CHECK(all[0].highest == bytes(5120 + 512));
  CHECK(all[0].parts[Component::activations] == bytes(5120));
  CHECK(all[0].parts[Component::logits] == bytes(512));
  CHECK(all[1].highest == bytes(512 + 1024));
  CHECK(all[1].parts.sum() == all[1].highest);
}

TEST_CASE("what is alive when a stretch begins is a moment of it", "[machine]") {
  Memory m;
  const Value a = tensor(m, 256);
  m.ledger.enter("quiet", 0);
  CHECK(m.ledger.stretches().back().highest == bytes(512));
}

TEST_CASE("a second run stops at the awaited moment and lists what is alive there", "[machine]") {
  const auto run = [](Memory& m) {
    m.ledger.enter("only", 0);
    Value a = tensor(m, 300, Component::activations, 7);
    Value b = tensor(m, 1024, Component::logits, 8);
    a.drop();
    Value c = tensor(m, 100, Component::activations, 9);
  };
  Memory first;
  run(first);
  const Stretch peak = first.ledger.stretches().back();
  CHECK(peak.highest == bytes(1024 + 2048));
  Memory second;
  second.ledger.await(peak.moment);
  run(second);
  Bytes sum;
  for (const Alive& a : second.snapshot()) sum += a.rounded() * a.copies;
  CHECK(sum == peak.highest);
  REQUIRE(second.snapshot().size() == 2);
  CHECK(second.snapshot()[0].layer + second.snapshot()[1].layer == 15);
  CHECK(first.snapshot().empty());
}

TEST_CASE("memory in bulk counts by copies until its component is taken away", "[machine]") {
  Memory m;
  m.add_bulk({Component::weights, 0, 0, "w", {300}, bf16, 4});
  m.add_bulk({Component::gradients, 0, 0, "w", {300}, bf16, 4});
  CHECK(live(m) == 2 * 4 * 1024);
  CHECK(m.ledger.parts()[Component::weights] == bytes(4 * 600));
  m.remove_bulk(Component::gradients);
  CHECK(live(m) == 4 * 1024);
  CHECK(m.ledger.parts()[Component::gradients] == bytes(0));
}

TEST_CASE("a layer that stands for others counts for all of them until they part", "[machine]") {
  Memory m;
  m.running_layer = 1;
  Value a = tensor(m, 256, Component::activations, 1), other = tensor(m, 256, Component::activations, 2);
  m.multiply(1, 1, 9);
  CHECK(live(m) == 11 * 512);
  m.multiply(1, 1, 9);   // not twice
  CHECK(live(m) == 11 * 512);
  m.divide(1, 1);
  CHECK(live(m) == 2 * 512);
}

TEST_CASE("a copy that dies while its own layer runs again leaves the others' alive", "[machine]") {
  Memory m;
  Value a = tensor(m, 256, Component::activations, 1);
  m.multiply(1, 1, 9);
  m.running_layer = 1;
  a.drop();
  CHECK(live(m) == 9 * 512);
  m.settle(1, 1);
  CHECK(live(m) == 0);
  Value b = tensor(m, 256, Component::activations, 1);
  m.multiply(1, 1, 9);
  m.running_layer = 2;   // dies later on: all go at once
  b.drop();
  CHECK(live(m) == 0);
}

TEST_CASE("a declaring machine asks for parameters and allocates nothing", "[machine]") {
  Machine m;
  m.declaring = true;
  m.begin_layer(0);
  const Value w = m.parameter("weight", {8, 4});
  m.silu(m.linear(m.memory.describe({1, 2, 4}, bf16), w, {}, "y")).drop();
  CHECK(m.parameters.rows.size() == 1);
  CHECK(m.memory.ledger.live() == bytes(0));
  m.declaring = false;
  m.begin_layer(0);
  m.parameter("weight", {8, 4}).drop();   // the same one again
  CHECK(m.parameters.rows.size() == 1);
}
