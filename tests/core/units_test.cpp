// Quantities, number formats and sizes as people write them.

#include <catch2/catch.hpp>

#include "estimate/size_text.hpp"
#include "machine/format.hpp"
#include "machine/shape.hpp"

using namespace gpumem;

TEST_CASE("decimal and binary units are different", "[units]") {
  CHECK(in(bytes, kib(1)) == 1024);
  CHECK(in(bytes, mib(1)) == 1048576);
  CHECK(in(bytes, gib(24)) == 25769803776.0);
  CHECK(in(bytes, gb(24)) == 24e9);
  CHECK(in(gib, mib(512)) == 0.5);
  CHECK(in(mb, kb(1)) == 0.001);
  CHECK(gib(80) > gb(80));
}

TEST_CASE("quantities add, scale and compare exactly", "[units]") {
  Bytes sum = bytes(3) + kib(1) - bytes(1);
  CHECK(in(bytes, sum) == 1026);
  sum += bytes(1);
  sum -= kib(1);
  CHECK(sum == bytes(3));
  CHECK(sum * 4 == bytes(12));
  CHECK(bytes(12) / bytes(8) == 1.5);
  // whole numbers are exact up to 2^53
  CHECK(bytes(9007199254740991.0) + bytes(1) == bytes(9007199254740992.0));
  CHECK(in(elements, elements(5) + elements(6)) == 11);
  CHECK(in(tokens, tokens(8)) == 8);
}

TEST_CASE("rounding up goes to the next multiple, and a multiple stays", "[units]") {
  CHECK(bytes(0).rounded_up_to(bytes(512)) == bytes(0));
  CHECK(bytes(1).rounded_up_to(bytes(512)) == bytes(512));
  CHECK(bytes(1024).rounded_up_to(bytes(512)) == bytes(1024));
  CHECK(bytes(1025).rounded_up_to(bytes(512)) == bytes(1536));
  CHECK(mib(3).rounded_up_to(mib(2)) == mib(4));
}

TEST_CASE("formats store elements in blocks, and a last block counts whole", "[units]") {
  CHECK(stored_bytes(elements(1000), *fp32) == bytes(4000));
  CHECK(stored_bytes(elements(1000), *bf16) == bytes(2000));
  CHECK(stored_bytes(elements(1000), *fp16) == bytes(2000));
  CHECK(stored_bytes(elements(1000), *find_format("fp8")) == bytes(1000));
  CHECK(stored_bytes(elements(1000), *find_format("int8")) == bytes(1000));
  CHECK(stored_bytes(elements(1000), *find_format("int4")) == bytes(500));
  CHECK(stored_bytes(elements(1001), *find_format("int4")) == bytes(501));
  CHECK(stored_bytes(elements(3), *int64) == bytes(24));
  CHECK(stored_bytes(elements(3), *byte_flag) == bytes(3));
  CHECK(stored_bytes(elements(0), *fp32) == bytes(0));
  Format blocks = *fp32;
  blocks.block_elements = 32;
  blocks.block_bytes = 18;   // 32 numbers of 4 bits and a 16-bit scale
  CHECK(stored_bytes(elements(4096), blocks) == bytes(4096 / 32 * 18));
  CHECK(stored_bytes(elements(33), blocks) == bytes(36));
  CHECK(find_format("fp7") == nullptr);
}

TEST_CASE("two formats are computed in fp32 unless they are one", "[units]") {
  CHECK(promoted(bf16, bf16) == bf16);
  CHECK(promoted(fp16, fp16) == fp16);
  CHECK(promoted(bf16, fp32) == fp32);
  CHECK(promoted(fp32, fp16) == fp32);
  CHECK(promoted(bf16, fp16) == fp32);
}

TEST_CASE("shapes count, stretch and change their last extent", "[units]") {
  const Shape s = {2, 3, 4};
  CHECK(s.count() == elements(24));
  CHECK(s[-1] == 4);
  CHECK(s.with_last(5) == Shape{2, 3, 5});
  CHECK(Shape::broadcast({2, 3, 4}, {4}) == Shape{2, 3, 4});
  CHECK(Shape::broadcast({2, 3, 1}, {3, 4}) == Shape{2, 3, 4});
  CHECK(Shape::broadcast({4}, {2, 3, 4}) == Shape{2, 3, 4});
  CHECK(Shape{}.count() == elements(1));
  CHECK_FALSE(Shape{2, 3} == Shape{3, 2});
}

TEST_CASE("sizes are read with their unit", "[units]") {
  CHECK(parse_size("24 GiB") == bytes(25769803776.0));
  CHECK(parse_size("24GiB") == bytes(25769803776.0));
  CHECK(parse_size("80 GB") == bytes(80e9));
  CHECK(parse_size("512 MB") == bytes(512e6));
  CHECK(parse_size("512 MiB") == bytes(536870912.0));
  CHECK(parse_size("1.5 TiB") == bytes(1649267441664.0));
  CHECK(parse_size("2 TB") == bytes(2e12));
  CHECK(parse_size("7 kB") == bytes(7000));
  CHECK(parse_size("7 KB") == bytes(7000));
  CHECK(parse_size("7 KiB") == bytes(7168));
  CHECK(parse_size("100 B") == bytes(100));
  CHECK(parse_size("0 B") == bytes(0));
}

TEST_CASE("what is not a size is not read as one", "[units]") {
  for (const char* text : {"", "24", "GiB", "24 gib", "24 Gib", "24 GiB of it", "24 GiB ", "-1 GB", "+1 GB", "1.2.3 GB", ". GB",
                           "1e3 GB", "0x10 GB", "nan GB", "inf GB", "1,5 GB", "24 \tGiB", "twenty GB", "24 XB", "24 Gb"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_size(text).has_value());
  }
}
