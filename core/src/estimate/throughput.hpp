#pragma once
// Tokens a second as a roofline: what a card's printed speeds allow, times an assumed share. No figure of memory comes from here.

#include "estimate/scenario.hpp"

namespace gpumem {

/// What the catalog prints of a card: "3350 GB/s", TFLOPS by format.
void read_speeds(Fields& row, Device& device);

/// The shares of those speeds that a run reaches, where the request says them.
void read_speed_shares(Fields& request, Scenario& scenario);

/// Adds `throughput` to an answer where questions are asked, or a share is given, about a card whose speeds are known.
void append_throughput(const Scenario& scenario, Document& answer);

}  // namespace gpumem
