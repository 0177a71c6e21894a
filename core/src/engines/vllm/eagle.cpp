#include "engines/vllm/eagle.hpp"

#include "architectures/common.hpp"

namespace gpumem::vllm {

std::optional<EagleHead> read_eagle_head(Fields& c) {
  const Document* classes = c.value({"architectures"});
  if (!classes || !classes->is(Document::Kind::list) || classes->items().empty() || !classes->items().front().is(Document::Kind::text)) return std::nullopt;
  const std::string_view name = classes->items().front().text();
  if (name.find("Eagle") == std::string_view::npos) return std::nullopt;
  EagleHead head;
  head.third = name.find("Eagle3") != std::string_view::npos;
  if (!head.third) return head;
  constexpr double usual = 3, most = 64;
  Fields own = c.record("eagle_config");
  const Document* layers = own.value({"eagle_aux_hidden_state_layer_ids"});
  const double named = layers && layers->is(Document::Kind::list) && !layers->items().empty() ? static_cast<double>(layers->items().size()) : usual;
  head.states = c.count({"num_aux_hidden_states"}, std::min(named, most), 1, most);
  head.state_width = c.count({"target_hidden_size"}, 0, 1, most_width);
  head.vocabulary = c.count({"draft_vocab_size"}, 0, 1, most_vocabulary);
  return head;
}

Bytes beside_eagle_layers(const EagleHead& head, const Decoder& m, const Format& format) {
  const double width = head.state_width > 0 ? head.state_width : m.hidden;
  if (!head.third) return stored_bytes(elements(2 * m.hidden * m.hidden), format);
  const AttentionLayer& a = m.layers.front().attention;
  const double second_row = m.hidden * (a.heads + 2 * a.kv_heads) * a.head_dim;
  return stored_bytes(elements(head.states * width * m.hidden + second_row + m.hidden), format) + stored_bytes(elements(head.vocabulary), *int64);
}

Bytes states_for_eagle(const EagleHead& head, double tokens_at_once, double width, const Format& format) {
  return head.third ? stored_bytes(elements(head.states * tokens_at_once * width), format) : Bytes();
}

}  // namespace gpumem::vllm
