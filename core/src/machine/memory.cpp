#include "machine/memory.hpp"

#include <algorithm>

namespace gpumem {

void Value::release(Tensor* tensor) { tensor->memory->release(tensor); }

Value Memory::describe(const Shape& shape, const Format* format) {
  Tensor* tensor = tensors_.take();
  tensor->shape = shape;
  tensor->format = format;
  tensor->memory = this;
  return Value(tensor);
}

Value Memory::allocate(const Shape& shape, const Format* format, Component component, const char* label, int layer,
                       int scope) {
  Value made = describe(shape, format);
  Storage* storage = storages_.take();
  storage->raw = stored_bytes(shape.count(), *format);
  storage->rounded = rounded_up(storage->raw);
  storage->component = component;
  storage->layer = layer;
  storage->scope = scope;
  storage->label = label;
  storage->shape = shape;
  storage->format = format;
  storage->holders = 1;
  storage->birth = ++births_;
  storage->place = living_.size();
  living_.push_back(storage);
  storage->logged = log.allocate(storage->rounded, 1);
  made->storage = storage;
  ledger.add(component, storage->raw, storage->rounded, 1);
  note();
  return made;
}

Value Memory::view(const Value& of, const Shape& shape) {
  Value made = describe(shape, of->format);
  Tensor& to = *made.operator->();
  to.storage = of->storage;
  to.layout = of->layout;
  to.needs_gradient = of->needs_gradient;
  to.node = of->node;
  to.output = of->output;
  to.parameter = of->parameter;
  if (to.storage) ++to.storage->holders;
  return made;
}

void Memory::relabel(const Value& value, Component component) {
  if (!holds_alone(value)) return;
  Storage& s = *value->storage;
  ledger.remove(s.component, s.raw, s.rounded, s.copies);
  ledger.add(component, s.raw, s.rounded, s.copies);
  s.component = component;
}

void Memory::note() {
  if (ledger.note()) take_snapshot();
}

void Memory::release(Tensor* tensor) {
  if (Storage* storage = tensor->storage; storage && --storage->holders == 0) die(storage);
  tensors_.give(tensor);
}

void Memory::die(Storage* storage) {
  double leaving = storage->away ? 0 : storage->copies;
  if (leaving > 1 && storage->layer == running_layer) {
    ghosts_.push_back(*storage);
    storage->copies_logged = -1;
    leaving = 1;
  }
  log.release(storage->logged);
  log.release(storage->copies_logged);
  ledger.remove(storage->component, storage->raw, storage->rounded, leaving);
  living_.back()->place = storage->place;
  living_[storage->place] = living_.back();
  living_.pop_back();
  storages_.give(storage);
}

bool Memory::holds_alone(const Value& value) const {
  return value->holders == 1 && value->storage && value->storage->holders == 1;
}

void Memory::multiply(int first_layer, int last_layer, double more) {
  for (Storage* s : living_) {
    if (s->layer < first_layer || s->layer > last_layer || s->copies > 1) continue;
    ledger.add(s->component, s->raw, s->rounded, more);
    s->copies = 1 + more;
    s->copies_logged = log.allocate(s->rounded, more);
  }
}

void Memory::divide(int first_layer, int last_layer) {
  for (Storage* s : living_) {
    if (s->layer < first_layer || s->layer > last_layer) continue;
    ledger.remove(s->component, s->raw, s->rounded, s->copies - 1);
    s->copies = 1;
    log.release(s->copies_logged);
  }
}

void Memory::settle(int first_layer, int last_layer) {
  std::erase_if(ghosts_, [&](Storage& s) {
    if (s.layer < first_layer || s.layer > last_layer) return false;
    log.release(s.copies_logged);
    ledger.remove(s.component, s.raw, s.rounded, s.copies - 1);
    return true;
  });
}

std::vector<Value> Memory::born_since(long birth) {
  std::vector<Storage*> found;
  for (Storage* s : living_)
    if (s->birth > birth) found.push_back(s);
  std::sort(found.begin(), found.end(), [](const Storage* a, const Storage* b) { return a->birth < b->birth; });
  std::vector<Value> held;
  for (Storage* s : found) {
    held.push_back(describe(s->shape, s->format));
    held.back()->storage = s;
    ++s->holders;
  }
  return held;
}

void Memory::put_away(const Value& value) {
  Storage& s = *value->storage;
  if (s.away) return;
  s.away = true;
  log.release(s.logged);
  log.release(s.copies_logged);
  ledger.remove(s.component, s.raw, s.rounded, s.copies);
}

void Memory::bring_back(const Value& value) {
  Storage& s = *value->storage;
  if (!s.away) return;
  s.away = false;
  s.logged = log.allocate(s.rounded, 1);
  ledger.add(s.component, s.raw, s.rounded, s.copies);
}

void Memory::stand_for(const Value& value, double more) {
  Storage* s = value->storage;
  if (!s || s->away || s->copies > 1 || more <= 0) return;
  ledger.add(s->component, s->raw, s->rounded, more);
  s->copies = 1 + more;
  s->copies_logged = log.allocate(s->rounded, more);
}

void Memory::add_bulk(const Alive& alive) {
  ledger.add(alive.component, alive.raw(), alive.rounded(), alive.copies);
  bulk_.push_back(alive);
  bulk_.back().logged = alive.component == Component::optimizer_states ? log.allocate_state(alive.rounded(), alive.copies)
                                                                       : log.allocate(alive.rounded(), alive.copies);
}

void Memory::remove_bulk(Component component) {
  std::erase_if(bulk_, [&](Alive& a) {
    if (a.component != component) return false;
    log.release(a.logged);
    ledger.remove(a.component, a.raw(), a.rounded(), a.copies);
    return true;
  });
}

void Memory::take_snapshot() {
  const auto described = [](const Storage& s, double copies) {
    return Alive{s.component, s.layer, s.scope, s.label, s.shape, s.format, copies};
  };
  snapshot_ = bulk_;
  for (const Storage* s : living_)
    if (!s->away) snapshot_.push_back(described(*s, s->copies));
  for (const Storage& s : ghosts_) snapshot_.push_back(described(s, s.copies - 1));
}

}  // namespace gpumem
