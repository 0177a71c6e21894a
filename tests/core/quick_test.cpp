// The rules of thumb: the figures they have to give, and the published ones they are set against.

#include "support/scenarios.hpp"

using namespace gpumem::test;

namespace {

Json quick(const Json& request) {
  const Json answer = estimated(request);
  REQUIRE(answer["ok"] == true);
  return answer["quickEstimate"];
}

Json inference(double parameters, const char* weights) { return {{"model", {{"parameters", parameters}}}, {"weights", weights}}; }

Json training(double parameters, const char* optimizer = "adamw") {
  return {{"model", {{"parameters", parameters}}}, {"task", "training"}, {"weights", "fp32"},
          {"training", {{"precision", "fp32"}, {"optimizer", optimizer}}}};
}

double step(const Json& estimate, const char* id) {
  for (const Json& s : estimate["steps"])
    if (s["id"] == id) return s["bytes"].get<double>();
  FAIL_CHECK("no step " << id);
  return -1;
}

double total(const Json& estimate) { return estimate["bytes"].get<double>(); }

}  // namespace

TEST_CASE("70 billion parameters take 168, 84 and 42 GB in 16, 8 and 4 bits", "[quick]") {
  CHECK(total(quick(inference(70e9, "bf16"))) == Approx(168e9));
  CHECK(total(quick(inference(70e9, "fp16"))) == Approx(168e9));
  CHECK(total(quick(inference(70e9, "int8"))) == Approx(84e9));
  CHECK(total(quick(inference(70e9, "fp8"))) == Approx(84e9));
  CHECK(total(quick(inference(70e9, "int4"))) == Approx(42e9));
}

TEST_CASE("the published 21 GB for 8 bits stands beside the rule's own figure", "[quick]") {
  const Json published = quick(inference(70e9, "int8"))["asPublished"];
  CHECK(published["bytes"] == 21e9);
  CHECK_FALSE(published["note"].get<std::string>().empty());
  CHECK_FALSE(quick(inference(70e9, "bf16")).contains("asPublished"));
  CHECK_FALSE(quick(inference(69e9, "int8")).contains("asPublished"));
}

TEST_CASE("a billion parameters are stored in 4, 2 and 1 GB", "[quick]") {
  CHECK(step(quick(inference(1e9, "fp32")), "storage") == 4e9);
  CHECK(step(quick(inference(1e9, "bf16")), "storage") == 2e9);
  CHECK(step(quick(inference(1e9, "int8")), "storage") == 1e9);
  CHECK(step(quick(inference(1e9, "int4")), "storage") == 0.5e9);
}

TEST_CASE("the overhead of inference is a fifth of the storage", "[quick]") {
  const Json estimate = quick(inference(70e9, "bf16"));
  CHECK(step(estimate, "storage") == 140e9);
  CHECK(step(estimate, "overhead") == Approx(28e9));
  CHECK(estimate["formula"].get<std::string>().find("1.2") != std::string::npos);
}

TEST_CASE("training takes four times the storage: 7 billion in fp32 are 112 GB", "[quick]") {
  const Json estimate = quick(training(7e9));
  CHECK(total(estimate) == 112e9);
  CHECK(step(estimate, "storage") == 28e9);
  CHECK(step(estimate, "training-factor") == 112e9);
}

TEST_CASE("13 billion trained in fp32 are 208 GB, published as about 437 GB", "[quick]") {
  const Json estimate = quick(training(13e9));
  CHECK(step(estimate, "storage") == 52e9);
  CHECK(total(estimate) == 208e9);
  CHECK(step(estimate, "gradients") == 52e9);
  CHECK(step(estimate, "optimizer") == 104e9);
  CHECK(estimate["asPublished"]["bytes"].get<double>() == Approx((208e9 + 52e9 + 104e9) * 1.2));
}

TEST_CASE("plain gradient descent with momentum keeps one number a parameter", "[quick]") {
  CHECK(step(quick(training(13e9, "sgd")), "optimizer") == 52e9);
  CHECK_FALSE(quick(training(13e9, "sgd")).contains("asPublished"));
}

TEST_CASE("samples of 50 MB in a batch of 32 add 1600 MB", "[quick]") {
  Json request = training(7e9);
  request["training"]["microBatch"] = 32;
  request["quick"] = {{"bytesPerSample", "50 MB"}};
  const Json estimate = quick(request);
  CHECK(step(estimate, "samples") == 1600e6);
  CHECK(total(estimate) == 112e9 + 1600e6);
  Json served = inference(70e9, "bf16");
  served["inference"] = {{"sequences", 32}};
  served["quick"] = {{"bytesPerSample", 50e6}};
  CHECK(step(quick(served), "samples") == 1600e6);
}

TEST_CASE("the rule of thumb stands beside the exact answer of a config too", "[quick]") {
  const Json answer = estimated({{"model", {{"config", small_config()}}}});
  const double parameters = answer["parameters"]["total"].get<double>();
  CHECK(answer["quickEstimate"]["bytes"].get<double>() == Approx(parameters * 2 * 1.2));
}

TEST_CASE("a bare count gives what is proportional to weights, and says so", "[quick]") {
  const Json served = estimated(inference(70e9, "bf16"));
  CHECK(served["devices"][0]["allocatedBytes"] == 140e9);
  CHECK(served["modelFile"]["bitsPerWeight"] == 16.0);
  CHECK(served["assumptions"][0]["id"] == "weights-only");
  const Json trained = estimated(training(7e9));
  CHECK(trained["devices"][0]["allocatedBytes"] == 4.0 * 28e9);   // weights, gradients, two moments
  CHECK(estimated(training(7e9, "sgd"))["devices"][0]["allocatedBytes"] == 2.0 * 28e9);
}

TEST_CASE("states in fewer bits and by shape, from a bare count", "[quick]") {
  const auto part = [](const Json& answer, const char* id) {
    for (const Json& c : answer["devices"][0]["components"])
      if (c["id"] == id) return c["bytes"].get<double>();
    return -1.0;
  };
  CHECK(part(estimated(training(25.6e8, "adamw-8bit")), "optimizer-states") == 2 * 25.6e8 * 260 / 256);
  CHECK(part(estimated(training(25.6e8, "adamw-4bit")), "optimizer-states") == 2 * 25.6e8 * 68 / 128);
  const Json shaped = estimated(training(25.6e8, "adafactor"));
  CHECK(part(shaped, "optimizer-states") == 0);
  CHECK(shaped["assumptions"][0]["id"] == "states-unknown");
  CHECK(step(quick(training(1e9, "nadam")), "optimizer") == 8e9);
  CHECK(step(quick(training(1e9, "lion")), "optimizer") == 4e9);
}
