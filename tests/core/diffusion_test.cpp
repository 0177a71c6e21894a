#include <catch2/catch.hpp>

#include "layers/diffusion/aura_flow.hpp"
#include "layers/diffusion/autoencoder.hpp"
#include "layers/diffusion/flux2.hpp"
#include "layers/diffusion/hunyuan_video.hpp"
#include "layers/diffusion/lumina2.hpp"
#include "layers/diffusion/parts.hpp"
#include "layers/diffusion/qwen_image.hpp"
#include "layers/diffusion/sana.hpp"
#include "layers/diffusion/text_encoders.hpp"
#include "layers/diffusion/transformers.hpp"
#include "layers/diffusion/unet.hpp"
#include "layers/diffusion/video_autoencoder.hpp"
#include "layers/diffusion/z_image.hpp"

using namespace gpumem;

namespace {

double parameters_of(const PipelinePart& part) {
  Machine m;
  m.declaring = true;
  part.declare(m);
  double total = 0;
  for (const Parameter& row : m.parameters.rows) total += row.count();
  return total;
}

ImageAutoencoder stable_diffusion_autoencoder() {
  ImageAutoencoder vae;
  vae.channels = {128, 256, 512, 512};
  return vae;
}

/// What is alive at most, without the latents that are given.
double decoding_peak(const LatentDecoder& vae, double side, double images, const DecodePlan& plan) {
  Machine m;
  m.weight_format = bf16;
  m.begin_layer(0);
  const Value z = m.memory.describe({images, vae.latent_channels, side, side}, bf16);
  m.memory.ledger.enter("vae-decode", 0);
  const Value image = decode_image(m, vae, z, plan);
  return in(bytes, m.memory.ledger.stretches().back().highest);
}

}  // namespace

TEST_CASE("The autoencoder of Stable Diffusion counts to its published total, with 4 and with 16 latent channels") {
  ImageAutoencoder vae = stable_diffusion_autoencoder();
  CHECK(parameters_of(vae) == 83653863);
  vae.latent_channels = 16;
  vae.quant = vae.post_quant = false;
  CHECK(parameters_of(vae) == 83819683);
}

TEST_CASE("Text encoders count to their published totals") {
  ClipTextEncoder clip;
  CHECK(parameters_of(clip) == 123060480);
  T5TextEncoder t5;
  t5.hidden = 4096;
  CHECK(parameters_of(t5) == 4762310656);
}

TEST_CASE("The UNet of Stable Diffusion 1.5 counts to its published total") {
  UNet unet;
  unet.levels = {{320, 2, 1, 8, true, true}, {640, 2, 1, 8, true, true}, {1280, 2, 1, 8, true, true}, {1280, 2, 1, 8, false, false}};
  CHECK(parameters_of(unet) == 859520964);
}

TEST_CASE("A UNet gives back latents of the size it got, also where halves are rounded up") {
  UNet unet;
  unet.levels = {{32, 1, 1, 1, false, false}, {32, 1, 1, 1, false, false}, {32, 1, 1, 1, false, false}};
  unet.mid_attends = false;
  Machine m;
  m.begin_layer(0);
  // 6 × 9: 3 × 5 and 2 × 3 on the way down.
  const Value latents = m.allocate({1, unet.in_channels, 6, 9}, bf16, "latents");
  const Value out = unet.predict(m, {latents, m.allocate({1, 1, unet.context}, bf16, "text"), {}, 1, 6, 9, 1});
  CHECK(out->shape == latents->shape);
}

TEST_CASE("Flux counts to its published totals, with guidance as an input and without") {
  FluxTransformer flux;
  flux.in_channels = 64;
  CHECK(parameters_of(flux) == 11891178560);
  flux.guided = true;
  CHECK(parameters_of(flux) == 11901408320);
}

TEST_CASE("Stable Diffusion 3 counts to its published total, its table of places aside") {
  Sd3Transformer sd3;
  sd3.layers = sd3.heads = 24;
  sd3.head_dim = 64;
  sd3.in_channels = sd3.out_channels = 16;
  sd3.pooled_width = 2048;
  sd3.patch = 2;
  CHECK(parameters_of(sd3) == 2028328000);
}

// The last level's first resnet block reads 256 channels at full size: the input, what the norm makes and what SiLU makes.
TEST_CASE("Decoding an image holds three tensors of 256 channels at its full size") {
  const double side = 512;
  const double three = 3 * 256 * side * side * 2;
  const double peak = decoding_peak(stable_diffusion_autoencoder(), side / 8, 1, {});
  CHECK(peak >= three);
  CHECK(peak < three * 1.001);
}

TEST_CASE("In tiles a large image takes the working set of a tile, and in slices a batch takes that of one image") {
  ImageAutoencoder vae = stable_diffusion_autoencoder();
  const double one = decoding_peak(vae, 64, 1, {});
  const double tiled = decoding_peak(vae, 128, 1, {false, true});
  CHECK(tiled < 1.05 * one);
  const double sliced = decoding_peak(vae, 64, 4, {true, false});
  const double other_images = 4 * 3 * 512 * 512 * 2;
  CHECK(sliced <= one + other_images);
  CHECK(decoding_peak(vae, 64, 4, {}) > 3.9 * one);
}

TEST_CASE("The autoencoder of Wan counts to its published total, and a longer video takes little more than its frames") {
  WanAutoencoder vae;
  vae.widths = vae.decoder_widths = {96, 192, 384, 384};
  vae.shrinks_frames = {false, true, true, false};
  vae.latent_channels = 16;
  CHECK(parameters_of(vae) == 126892531);
}

TEST_CASE("Chroma counts to its published total, one small network in place of every block's own conditions") {
  FluxTransformer chroma;
  chroma.in_channels = 64;
  chroma.pruned = true;
  CHECK(parameters_of(chroma) == 8899983424);
}

TEST_CASE("The transformers of Qwen-Image, Z-Image, Sana and HunyuanVideo count to what their classes build") {
  QwenImageTransformer qwen;
  qwen.layers = 60;
  qwen.in_channels = 64;
  qwen.out_channels = 16;
  qwen.text_width = 3584;
  CHECK(parameters_of(qwen) == 20430401088);
  ZImageTransformer z_image;
  z_image.in_channels = 16;
  z_image.patch = 2;
  CHECK(parameters_of(z_image) == 6154908736);
  SanaTransformer sana;
  sana.layers = 20;
  sana.heads = 70;
  sana.head_dim = sana.in_channels = sana.out_channels = 32;
  CHECK(parameters_of(sana) == 1604462752);
  HunyuanVideoTransformer hunyuan;
  hunyuan.layers = 20;
  hunyuan.in_channels = hunyuan.out_channels = 16;
  hunyuan.patch = 2;
  CHECK(parameters_of(hunyuan) == 12821012544);
}

// A linear attention has no scores between tokens: twice the tokens, twice the memory.
TEST_CASE("Sana's memory grows with its tokens, not with their square") {
  SanaTransformer sana;
  sana.layers = 2;
  sana.heads = 4;
  sana.head_dim = sana.in_channels = sana.out_channels = 32;
  sana.text_heads = 4;
  const auto peak = [&](double side) {
    Machine m;
    m.weight_format = bf16;
    m.begin_layer(0);
    m.memory.ledger.enter("denoise", 0);
    const Value latents = m.allocate({1, 32, side, side}, bf16, "latents"), text = m.allocate({1, 8, sana.caption_width}, bf16, "text");
    sana.predict(m, {latents, text, {}, 1, side, side, 1});
    return in(bytes, m.memory.ledger.stretches().back().highest);
  };
  CHECK(peak(256) / peak(128) == Approx(4).epsilon(0.02));
}

// 13 latent frames: tiles of five (the last of one) begin at 0, 3, 6, 9 and 12, and all they made is held until they are glued.
TEST_CASE("HunyuanVideo's autoencoder decodes a few latent frames at a time and gives back four for each but the first") {
  HunyuanVideoAutoencoder vae;
  vae.latent_channels = 16;
  vae.shrinks_time = 4;
  vae.widths = {128, 256, 512, 512};
  vae.grows = {true, true, true, false};
  vae.grows_time = {false, true, true, false};
  CHECK(parameters_of(vae) == 246478803);
  Machine m;
  m.weight_format = bf16;
  m.begin_layer(0);
  const Value video = vae.decode(m, m.allocate({1, 16, 13, 2, 2}, bf16, "latents"));
  CHECK(video->shape[2] == 49);
  CHECK(video->shape[3] == 16);
}

TEST_CASE("AuraFlow and Lumina 2 count to what their classes build") {
  AuraFlowTransformer aura;
  aura.layers = 4;
  aura.heads = 12;
  aura.head_dim = 256;
  aura.out_channels = 4;
  aura.text_width = 2048;
  aura.patch = 2;
  CHECK(parameters_of(aura) == 6833439744);
  Lumina2Transformer lumina;
  lumina.layers = 26;
  lumina.heads = 24;
  lumina.head_dim = 96;
  lumina.in_channels = lumina.out_channels = 16;
  lumina.text_width = 2304;
  lumina.patch = 2;
  CHECK(parameters_of(lumina) == 2609769152);
}

TEST_CASE("Flux.2 counts to what its class builds, with guidance as an input and without") {
  Flux2Transformer flux;
  CHECK(parameters_of(flux) == 32223281152);
  flux.layers = 5;
  flux.single_layers = 20;
  flux.heads = 24;
  flux.text_width = 7680;
  flux.guided = false;
  CHECK(parameters_of(flux) == 3875544576);
}
