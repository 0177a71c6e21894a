#include "machine/caching_allocator.hpp"

#include <algorithm>
#include <cmath>

namespace gpumem {
namespace {

constexpr double kib = 1024, mib = 1024 * kib;
constexpr double smallest_block = 512;        // kMinBlockSize
constexpr double small_request = 1 * mib;     // kSmallSize: up to here from the small pool
constexpr double small_segment = 2 * mib;     // kSmallBuffer
constexpr double medium_request = 10 * mib;   // kMinLargeAlloc: below it from segments shared with others
constexpr double medium_segment = 20 * mib;   // kLargeBuffer
constexpr double large_unit = 2 * mib;        // kRoundLarge

double rounded_up(double size, double unit) { return std::ceil(size / unit) * unit; }

/// get_allocation_size
double segment_for(double size) {
  if (size <= small_request) return small_segment;
  return size < medium_request ? medium_segment : rounded_up(size, large_unit);
}

/// The first shelf with blocks of at least that size.
template <class Shelves>
auto shelf_of(Shelves& shelves, double size) {
  return std::partition_point(shelves.begin(), shelves.end(), [&](const auto& shelf) { return shelf.size < size; });
}

/// Where a block of that address is, or would be.
template <class Slots>
auto slot_of(Slots& slots, double address) {
  return std::partition_point(slots.begin(), slots.end(), [&](const auto& slot) { return slot.address < address; });
}

}  // namespace

CachingAllocator::CachingAllocator(AllocatorOptions options) : options_(options) {}

/// should_split
bool CachingAllocator::splits(double size, double remaining, bool small) const {
  if (small || options_.expandable) return remaining >= smallest_block;
  return (options_.max_split == 0 || size < options_.max_split) && remaining > small_request;
}

int CachingAllocator::new_block() {
  if (unused_.empty()) {
    blocks_.emplace_back();
    return static_cast<int>(blocks_.size()) - 1;
  }
  const int block = unused_.back();
  unused_.pop_back();
  at(block) = {};
  return block;
}

/// Whole segments as one block that is in no list yet. Where the driver has no more even after everything unused has
/// gone back to it, they are counted all the same: that is what the run would need.
int CachingAllocator::new_segment(double size, bool small, double copies) {
  if (options_.limit > 0 && reserved_ + size * copies > options_.limit) give_back();
  const int block = new_block();
  Block& b = at(block);
  b.size = size;
  b.small = small;
  b.copies = copies;
  b.address = next_address_;
  next_address_ += (size + large_unit) * copies;
  reserved_ += size * copies;
  most_reserved_ = std::max(most_reserved_, reserved_);
  return block;
}

/// One segment a pool that pages are added to: a free block at its end grows as far as needed.
int CachingAllocator::grown_segment(double size, bool small) {
  const double page = small ? small_segment : medium_segment;
  int& tail = tail_[small ? 1 : 0];
  const bool at_end = tail >= 0 && at(tail).free;
  const double missing = rounded_up(size - (at_end ? at(tail).size : 0), page);
  reserved_ += missing;
  most_reserved_ = std::max(most_reserved_, reserved_);
  if (at_end) {
    erase(tail);
    at(tail).size += missing;
    return tail;
  }
  const int block = new_block();
  Block& b = at(block);
  b.size = missing;
  b.small = small;
  b.before = tail;
  constexpr double apart = 1e15;   // both segments have room for ever
  b.address = tail < 0 ? (small ? apart : 0) : at(tail).address + at(tail).size;
  if (tail >= 0) at(tail).after = block;
  tail = block;
  return block;
}

void CachingAllocator::insert(int block) {
  Block& b = at(block);
  b.free = true;
  FreeList& l = list(b.small);
  auto shelf = shelf_of(l, b.size);
  if (shelf == l.end() || shelf->size != b.size) shelf = l.insert(shelf, {b.size, {}});
  shelf->slots.insert(slot_of(shelf->slots, b.address), {b.address, block});
}

void CachingAllocator::erase(int block) {
  const Block& b = at(block);
  FreeList& l = list(b.small);
  const auto shelf = shelf_of(l, b.size);
  take(l, shelf, slot_of(shelf->slots, b.address));
}

/// The block of a slot, which is in no list any more.
int CachingAllocator::take(FreeList& free, FreeList::iterator shelf, std::vector<Slot>::iterator slot) {
  const int block = slot->block;
  at(block).free = false;
  shelf->slots.erase(slot);
  if (shelf->slots.empty()) free.erase(shelf);
  return block;
}

/// get_free_block; -1 if none fits. What is returned is in no list.
int CachingAllocator::best_fit(double size, bool small) {
  FreeList& l = list(small);
  const auto found = shelf_of(l, size);
  if (found == l.end()) return -1;
  if (options_.max_split > 0 && !small) {
    const double whole = found->size;
    if (size < options_.max_split && whole >= options_.max_split) return -1;
    if (size >= options_.max_split && whole >= size + medium_segment) return -1;
  }
  return take(l, found, found->slots.begin());
}

/// Keeps the front of a block and frees the rest, if the rest is worth it.
void CachingAllocator::cut(int block, double size) {
  const double remaining = at(block).size - size;
  if (!splits(size, remaining, at(block).small)) return;
  const int rest = new_block();
  Block& front = at(block);
  Block& back = at(rest);
  back.size = remaining;
  back.address = front.address + size;
  back.small = front.small;
  back.copies = front.copies;
  back.before = block;
  back.after = front.after;
  if (back.after >= 0) at(back.after).before = rest;
  front.after = rest;
  front.size = size;
  if (tail_[front.small ? 1 : 0] == block) tail_[front.small ? 1 : 0] = rest;
  insert(rest);
}

/// So many copies of a block's segment go their own way from now on; the block is in no list, and the other copies of it
/// are free. Whoever holds other parts of the segment holds those of both.
void CachingAllocator::set_apart(int block, double copies) {
  int first = block;
  while (at(first).before >= 0) first = at(first).before;
  int previous = -1;
  for (int b = first; b >= 0; b = at(b).after) {
    const int other = new_block();
    Block& own = at(b);
    Block& twin = at(other);
    twin = own;
    twin.copies = own.copies - copies;
    twin.address += (own.size + large_unit) * copies;
    own.copies = copies;
    twin.before = previous;
    twin.after = -1;
    if (previous >= 0) at(previous).after = other;
    previous = other;
    if (own.free || b == block) insert(other);
    else own.next_of_handle = other;
  }
}

/// As long as what is left of a block is large enough, it is the smallest that fits, and the next request gets it: several
/// are cut off at once, and from several segments that lie alike.
int CachingAllocator::allocate(double asked, double count) {
  const double size = std::max(smallest_block, rounded_up(asked, smallest_block));
  const bool small = size <= small_request;
  int handle = -1;
  while (count > 0) {
    int block = best_fit(size, small);
    if (block < 0 && options_.expandable) block = grown_segment(size * count, small);
    if (block < 0) {
      const double segment = segment_for(size);
      block = new_segment(segment, small, std::max(1.0, std::floor(count / std::floor(segment / size))));
    }
    const double each = std::min(count, std::floor(at(block).size / size));
    const double copies = std::min(at(block).copies, std::floor(count / each));
    if (copies < at(block).copies) set_apart(block, copies);
    cut(block, each * size);
    at(block).next_of_handle = handle;
    handle = block;
    count -= each * copies;
  }
  return handle;
}

void CachingAllocator::release(int handle) {
  while (handle >= 0) {
    const int block = handle;
    handle = at(block).next_of_handle;
    merge(block);
  }
}

/// free_block: one with its free neighbours.
void CachingAllocator::merge(int block) {
  Block& b = at(block);
  const auto joins = [&](int other) { return other >= 0 && at(other).free; };
  if (const int before = b.before; joins(before)) {
    erase(before);
    const Block& p = at(before);
    b.size += p.size;
    b.address = p.address;
    b.before = p.before;
    if (b.before >= 0) at(b.before).after = block;
    unused_.push_back(before);
  }
  if (const int after = b.after; joins(after)) {
    erase(after);
    const Block& n = at(after);
    b.size += n.size;
    b.after = n.after;
    if (b.after >= 0) at(b.after).before = block;
    if (tail_[b.small ? 1 : 0] == after) tail_[b.small ? 1 : 0] = block;
    unused_.push_back(after);
  }
  insert(block);
}

/// release_cached_blocks: segments that are free as a whole go back to the driver.
void CachingAllocator::give_back() {
  for (FreeList& l : free_) {
    for (Shelf& shelf : l)
      std::erase_if(shelf.slots, [&](const Slot& slot) {
        const Block& b = at(slot.block);
        if (b.before >= 0 || b.after >= 0) return false;
        reserved_ -= b.size * b.copies;
        unused_.push_back(slot.block);
        return true;
      });
    std::erase_if(l, [](const Shelf& shelf) { return shelf.slots.empty(); });
  }
}

}  // namespace gpumem
