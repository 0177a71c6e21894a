#pragma once
// What PyTorch's CUDA caching allocator takes from the driver for a sequence of allocations and releases. It knows only
// those: no tensors, no models.
// Source: [pytorch-cuda-allocator] c10/cuda/CUDACachingAllocator.cpp

#include <vector>

#include "gpumem/units.hpp"

namespace gpumem {

struct AllocatorOptions {
  double limit = 0;             ///< bytes it can take from the driver; 0: any
  double max_split = 0;         ///< blocks larger than this are not split (max_split_size_mb); 0: any is
  bool expandable = false;      ///< segments that grow page by page (expandable_segments)
};

class CachingAllocator {
 public:
  explicit CachingAllocator(AllocatorOptions options = {});

  /// `count` blocks for so many bytes each, as if asked for one after the other; a handle that releases them together.
  int allocate(double size, double count = 1);
  void release(int handle);

  [[nodiscard]] double reserved() const { return reserved_; }
  /// The most it ever held, which it keeps unless the limit makes it give back what is free.
  [[nodiscard]] double most_reserved() const { return most_reserved_; }

 private:
  struct Block {
    double size = 0, address = 0;
    double copies = 1;             ///< segments that are cut alike are kept once
    int before = -1, after = -1;   ///< neighbours in the same segment
    bool small = false, free = false;
    int next_of_handle = -1;
  };
  struct Slot {
    double address = 0;
    int block = -1;
  };
  /// Free blocks of one size by address. A model's layers are alike: thousands of blocks have a few dozen sizes.
  struct Shelf {
    double size = 0;
    std::vector<Slot> slots;
  };
  using FreeList = std::vector<Shelf>;   ///< by size, none empty: the best fit comes first

  int new_block();
  int new_segment(double size, bool small, double copies);
  int grown_segment(double size, bool small);
  int best_fit(double size, bool small);
  void cut(int block, double size);
  void set_apart(int block, double copies);
  int take(FreeList& free, FreeList::iterator shelf, std::vector<Slot>::iterator slot);
  void insert(int block);
  void erase(int block);
  void merge(int block);
  void give_back();
  [[nodiscard]] bool splits(double size, double remaining, bool small) const;
  [[nodiscard]] Block& at(int block) { return blocks_[static_cast<std::size_t>(block)]; }
  [[nodiscard]] FreeList& list(bool small) { return free_[small ? 1 : 0]; }

  AllocatorOptions options_;
  std::vector<Block> blocks_;
  std::vector<int> unused_;
  FreeList free_[2];
  int tail_[2] = {-1, -1};   ///< last block of the segment that grows
  double reserved_ = 0, most_reserved_ = 0, next_address_ = 0;
};

}  // namespace gpumem
