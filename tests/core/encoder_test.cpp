// Models with an encoder: what their layers keep for backward, what a generation holds, what is refused.
// h hidden, f feed-forward width, a heads, s tokens; bytes per token unless said. Dropout is off unless said.

#include "engines/encoders.hpp"
#include "support/models.hpp"
#include "support/scenarios.hpp"
#include "training/encoder_step.hpp"

using namespace gpumem;
using namespace gpumem::test;

namespace {

constexpr double h = 256, f = 512, a = 4, T = 128, random_states = 2 * 512;

EncoderModel encoder_model(const Json& config) {
  const Document document = read(config);
  std::vector<Issue> issues;
  Fields fields(&document, "", issues);
  const std::optional<EncoderModel> model = read_encoder_model(fields);
  REQUIRE(model);
  for (const Issue& i : issues) FAIL_CHECK(i.path << ": " << i.message);
  return *model;
}

/// What is kept when an encoder's pass, and its decoder's, is done and the result let go, in rounded bytes.
double kept(const EncoderModel& model, AttentionKernel kernel) {
  Machine m;
  EncoderRun run(model, plan_layers(layer_kinds(model), false));
  declare_parameters(m, run, model, bf16);
  const Bytes before = m.memory.ledger.live();
  m.recording = m.training = true;
  {
    Pass pass;
    pass.tokens = T;
    pass.kernel = kernel;
    const bool text = model.reads_tokens();
    const Value input = m.allocate(model.input_shape(1, T), text ? int64 : bf16, "input");
    pass.encoded = run.encode(m, input, pass, "forward");
    if (model.decoder) run.decode(m, m.allocate({1, T}, int64, "token ids"), pass, "forward").drop();
  }
  return in(bytes, m.memory.ledger.live() - before);
}

/// What one layer keeps: half the difference of four layers and two.
double kept_by_layer(Json config, std::initializer_list<const char*> counts, AttentionKernel kernel = AttentionKernel::flash) {
  const auto with = [&](int layers) {
    for (const char* count : counts) config[count] = layers;
    return kept(encoder_model(config), kernel);
  };
  return (with(4) - with(2)) / 2;
}

Json bert_config() {
  return {{"model_type", "bert"}, {"hidden_size", h}, {"intermediate_size", f}, {"num_attention_heads", a}, {"vocab_size", 512},
          {"num_hidden_layers", 2}, {"hidden_dropout_prob", 0}, {"attention_probs_dropout_prob", 0}};
}
Json vit_config() {
  Json c = bert_config();
  c.update({{"model_type", "vit"}, {"architectures", {"ViTForImageClassification"}}, {"image_size", 224}, {"patch_size", 16}});
  return c;
}
Json halves(const char* type) {
  return {{"model_type", type}, {"d_model", h}, {"encoder_ffn_dim", f}, {"decoder_ffn_dim", f}, {"encoder_attention_heads", a},
          {"decoder_attention_heads", a}, {"encoder_layers", 2}, {"decoder_layers", 2}, {"vocab_size", 512}, {"dropout", 0},
          {"max_source_positions", T}};
}
Json t5_config() {
  return {{"model_type", "t5"}, {"d_model", h}, {"d_kv", 64}, {"d_ff", f}, {"num_heads", a}, {"num_layers", 2}, {"num_decoder_layers", 2},
          {"vocab_size", 512}, {"dropout_rate", 0}};
}

Json answer(const Json& config, const Json& changes) {
  Json request = {{"model", {{"config", config}}}};
  request.update(changes);
  const Json given = estimated(request);
  CAPTURE(given.dump());
  REQUIRE(given["ok"] == true);
  return given;
}

double parameters(const Json& config) { return answer(config, {{"detail", "summary"}})["parameters"]["total"].get<double>(); }

}  // namespace

TEST_CASE("a layer with its norms last keeps 16h + 4f + 4a + 16", "[encoder]") {
  const double plain = 16 * h + 4 * f + 4 * a + 16;
  CHECK(kept_by_layer(bert_config(), {"num_hidden_layers"}) == T * plain + random_states);
  CHECK(kept_by_layer(halves("bart"), {"encoder_layers"}) == T * plain + random_states);
  // Probabilities in bf16 instead of the sums.
  CHECK(kept_by_layer(bert_config(), {"num_hidden_layers"}, AttentionKernel::eager) == T * (16 * h + 4 * f + 16 + 2 * a * T));
}

TEST_CASE("heads copied outermost keep their output twice: 18h + 4f + 4a + 16", "[encoder]") {
  CHECK(kept_by_layer(halves("whisper"), {"encoder_layers"}) == T * (18 * h + 4 * f + 4 * a + 16) + random_states);
}

TEST_CASE("a decoder that attends to an encoder keeps 28h + 4f + 8a + 24, and 4h of each row it attends to", "[encoder]") {
  CHECK(kept_by_layer(halves("whisper"), {"decoder_layers"}) == T * (28 * h + 4 * f + 8 * a + 24) + T * 4 * h + 2 * random_states);
}

TEST_CASE("norms whose mean square alone is in fp32 keep 10h + 4, and a layer with ReLU 28h + 2f + 8 + 2as", "[encoder]") {
  // 20h + 8 of two norms, 6h of queries, keys and values, 2h of the heads side by side.
  CHECK(kept_by_layer(t5_config(), {"num_layers", "num_decoder_layers"}, AttentionKernel::eager) > 0);
  Json config = t5_config();
  config["num_decoder_layers"] = 2;
  CHECK(kept_by_layer(config, {"num_layers"}, AttentionKernel::eager) == T * (28 * h + 2 * f + 8 + 2 * a * T));
}

TEST_CASE("attention that compares contents with distances keeps its scores three times over", "[encoder]") {
  constexpr double span = 16;
  Json config = bert_config();
  config.update({{"model_type", "deberta-v2"}, {"relative_attention", true}, {"position_buckets", span}, {"share_att_key", true},
                 {"pos_att_type", {"c2p", "p2c"}}, {"norm_rel_ebd", "layer_norm"}});
  // BERT's, a key that was not scaled, a byte a pair; for either side the scores of distances, their numbers and the rows.
  const double either = T * (2 * a * 2 * span + 8 * T) + 2 * h * 2 * span;
  CHECK(kept_by_layer(config, {"num_hidden_layers"}, AttentionKernel::eager) == T * (18 * h + 4 * f + 16 + 2 * a * T + T) + 2 * either);
  config["pos_att_type"] = Json::array({"c2p"});
  CHECK(kept_by_layer(config, {"num_hidden_layers"}, AttentionKernel::eager) < T * (18 * h + 4 * f + 16 + 2 * a * T + T) + 2 * either);
}

TEST_CASE("layers that share their weights keep as much as others, and have one set of them", "[encoder]") {
  Json config = bert_config();
  config.update({{"model_type", "albert"}, {"hidden_act", "gelu"}, {"embedding_size", 64}});
  CHECK(kept_by_layer(config, {"num_hidden_layers"}) == T * (16 * h + 4 * f + 4 * a + 16) + random_states);
  const double two = parameters(config);
  config["num_hidden_layers"] = 6;
  CHECK(parameters(config) == two);
  config["num_hidden_groups"] = 3;
  CHECK(parameters(config) == two + 2 * (4 * h * (h + 1) + 2 * h * f + f + h + 4 * h));
  const Json checkpointed = {{"model", {{"config", config}}}, {"task", "training"}, {"training", {{"checkpointing", "full"}}}};
  CHECK(estimated(checkpointed)["issues"][0]["path"] == "training.checkpointing");
  config["inner_group_num"] = 2;
  CHECK(estimated({{"model", {{"config", config}}}})["issues"][0]["path"] == "model.config.inner_group_num");
}

TEST_CASE("heads for classes: a pooler's or a dense layer's weights, and a row a class", "[encoder]") {
  Json config = bert_config();
  const double pooled = parameters(config);   // with BERT's pooler
  config.update({{"architectures", {"BertForSequenceClassification"}}, {"num_labels", 5}});
  CHECK(parameters(config) == pooled + 5 * (h + 1));
  config["architectures"] = Json::array({"BertForTokenClassification"});
  CHECK(parameters(config) == pooled - h * (h + 1) + 5 * (h + 1));
  config.erase("num_labels");
  config["id2label"] = {{"0", "no"}, {"1", "yes"}, {"2", "perhaps"}};
  CHECK(parameters(config) == pooled - h * (h + 1) + 3 * (h + 1));
  config.update({{"model_type", "roberta"}, {"architectures", {"RobertaForSequenceClassification"}}});
  CHECK(parameters(config) == pooled + 3 * (h + 1));   // its dense layer is as large as the pooler
}

TEST_CASE("families with an encoder have the parameters that are published", "[encoder]") {
  CHECK(parameters({{"model_type", "bert"}}) == 109482240);
  CHECK(parameters({{"model_type", "distilbert"}}) == 66362880);
  CHECK(parameters({{"model_type", "xlm-roberta"}, {"hidden_size", 1024}, {"num_hidden_layers", 24}, {"num_attention_heads", 16},
                    {"intermediate_size", 4096}, {"vocab_size", 250002}, {"max_position_embeddings", 8194}, {"type_vocab_size", 1}}) == 567754752);
  CHECK(parameters({{"model_type", "modernbert"}, {"architectures", {"ModernBertForMaskedLM"}}}) == 149655232);
  CHECK(parameters({{"model_type", "vit"}, {"architectures", {"ViTForImageClassification"}}, {"num_labels", 1000}}) == 86567656);
  CHECK(parameters({{"model_type", "whisper"}}) == 37760640);
  CHECK(parameters({{"model_type", "bart"}}) == 406291456);
  CHECK(parameters({{"model_type", "t5"}, {"d_model", 768}, {"d_ff", 3072}, {"num_layers", 12}, {"num_heads", 12}}) == 222903552);
}

TEST_CASE("a text made from sound has keys and values of itself and of the encoder's rows", "[encoder]") {
  const Json given = answer(halves("whisper"), {{"inference", {{"sequences", 3}, {"promptTokens", 4}, {"contextTokens", 10}}}});
  CHECK(given["kvCache"]["bytes"] == 2 * 2 * 3 * h * 2 * (10 + T));
  CHECK(given["kvCache"]["bytesPerToken"] == 2 * 2 * h * 2);
  std::vector<std::string> phases;
  for (const Json& point : given["timeline"])
    if (phases.empty() || phases.back() != point["phase"]) phases.push_back(point["phase"]);
  CHECK(std::vector<std::string>(phases.begin(), phases.begin() + 3) == std::vector<std::string>{"encode", "prefill", "decode"});
}

TEST_CASE("an encoder alone runs once and has no cache", "[encoder]") {
  for (const Json& config : {bert_config(), vit_config()}) {
    const Json given = answer(config, Json::object());
    CHECK(given["kvCache"]["bytes"] == 0);
    for (const Json& point : given["timeline"]) CHECK(point["phase"] == "forward");
  }
}

TEST_CASE("layers that are alike need not be run one by one", "[encoder]") {
  Json bert = bert_config(), whisper = halves("whisper"), t5 = t5_config();
  bert["num_hidden_layers"] = whisper["encoder_layers"] = whisper["decoder_layers"] = t5["num_layers"] = t5["num_decoder_layers"] = 14;
  bert["architectures"] = {"BertForMaskedLM"};
  for (const Json& config : {bert, whisper, t5})
    for (const char* task : {"inference", "training"}) {
      const Document request = read({{"model", {{"config", config}}}, {"task", task}, {"training", {{"sequenceTokens", 64}}},
                                     {"inference", {{"promptTokens", 8}, {"contextTokens", 40}}}});
      std::vector<Issue> issues;
      const Scenario scenario = read_scenario(request, Document::record(), issues);
      CAPTURE(config.dump(), task);
      REQUIRE(issues.empty());
      const Run some = run_scenario(scenario), all = run_scenario(scenario, true);
      CHECK(some.peak.highest == all.peak.highest);
      CHECK(some.total == all.total);
      CHECK(some.cache == all.cache);
      for (std::size_t c = 0; c < component_count; ++c) CHECK(some.peak.parts.of[c] == all.peak.parts.of[c]);
    }
}

TEST_CASE("inputs that a model with an encoder cannot read are issues", "[encoder]") {
  using Codes = std::map<std::string, std::string>;
  CHECK(issues_of({{"model", {{"config", vit_config()}}}, {"inference", {{"images", 1}, {"imageSize", {384, 384}}}}}) ==
        Codes{{"inference.imageSize", "unsupported"}});
  CHECK(issues_of({{"model", {{"config", halves("whisper")}}}, {"engine", {{"options", {{"encoder_tokens", 7}}}}}}) ==
        Codes{{"engine.options.encoder_tokens", "contradiction"}});
  Json odd = bert_config();
  odd["num_attention_heads"] = 3;
  CHECK(issues_of({{"model", {{"config", odd}}}}) == Codes{{"model.config.num_attention_heads", "not-divisible"}});
}
