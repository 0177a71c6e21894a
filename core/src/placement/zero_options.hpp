#pragma once
// What DeepSpeed's section "zero_optimization" holds, by DeepSpeed's names.

namespace gpumem {

/// Sizes are numbers of elements.
/// Source: [deepspeed] deepspeed/runtime/zero/config.py DeepSpeedZeroConfig
struct ZeroOptions {
  int stage = 0;                          ///< 0: the layout says it
  double reduce_bucket_size = 5e8;
  bool overlaps = false;                  ///< whether the next field was given
  bool overlap_comm = false;              ///< a second bucket is filled while the first one is reduced
  bool contiguous_gradients = true;
  double sub_group_size = 1e9;            ///< of stage 3: what is stepped on at once
  double prefetch_bucket_size = 5e7;      ///< gathered ahead
  double persistence_threshold = 1e5;     ///< parameters up to that size stay whole
  double max_live_parameters = 1e9;       ///< nothing is gathered ahead beyond that
  double max_reuse_distance = 1e9;        ///< what is needed again within so many elements stays
};

}  // namespace gpumem
