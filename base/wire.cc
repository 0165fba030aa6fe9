#include "base/wire.h"

namespace cryograph {
namespace {

constexpr int kMaxGroupDepth = 100;

bool IsContinuation(unsigned char byte) { return (byte & 0xc0) == 0x80; }

}  // namespace

bool WireReader::Next(WireField* field) {
  if (!ok_ || cursor_ == end_) return false;
  absl::string_view rest(cursor_, static_cast<size_t>(end_ - cursor_));
  uint32_t open_groups[kMaxGroupDepth];
  int depth = 0;
  const char* group_begin = nullptr;
  for (;;) {
    const char* const tag_begin = rest.data();
    uint64_t tag;
    if (!ReadVarint(&rest, &tag)) return Fail();
    const uint64_t number = tag >> 3;
    if (number == 0 || number > (1u << 29) - 1) return Fail();
    const WireType type = static_cast<WireType>(tag & 7);
    uint64_t varint = 0;
    absl::string_view bytes;
    switch (type) {
      case WireType::kVarint:
        if (!ReadVarint(&rest, &varint)) return Fail();
        break;
      case WireType::kFixed64:
        if (rest.size() < 8) return Fail();
        varint = LoadFixed64(rest.data());
        rest.remove_prefix(8);
        break;
      case WireType::kFixed32:
        if (rest.size() < 4) return Fail();
        varint = LoadFixed32(rest.data());
        rest.remove_prefix(4);
        break;
      case WireType::kBytes: {
        uint64_t length;
        if (!ReadVarint(&rest, &length) || length > rest.size()) return Fail();
        bytes = rest.substr(0, static_cast<size_t>(length));
        rest.remove_prefix(static_cast<size_t>(length));
        break;
      }
      case WireType::kStartGroup:
        if (depth == kMaxGroupDepth) return Fail();
        open_groups[depth++] = static_cast<uint32_t>(number);
        if (depth == 1) group_begin = rest.data();
        break;
      case WireType::kEndGroup:
        if (depth == 0 || open_groups[--depth] != number) return Fail();
        if (depth == 0) bytes = absl::string_view(group_begin, static_cast<size_t>(tag_begin - group_begin));
        break;
      default:
        return Fail();
    }
    if (depth > 0) continue;
    field->number = static_cast<uint32_t>(number);
    field->type = type == WireType::kEndGroup ? WireType::kStartGroup : type;
    field->varint = varint;
    field->bytes = bytes;
    field->raw = absl::string_view(cursor_, static_cast<size_t>(rest.data() - cursor_));
    cursor_ = rest.data();
    return true;
  }
}

void AppendVarint(uint64_t value, std::string* out) {
  char bytes[10];
  size_t size = 0;
  for (; value >= 0x80; value >>= 7) bytes[size++] = static_cast<char>(value | 0x80);
  bytes[size++] = static_cast<char>(value);
  out->append(bytes, size);
}

void AppendVarintField(uint32_t number, uint64_t value, std::string* out) {
  AppendVarint(WireTag(number, WireType::kVarint), out);
  AppendVarint(value, out);
}

void AppendFixed32Field(uint32_t number, uint32_t bits, std::string* out) {
  AppendVarint(WireTag(number, WireType::kFixed32), out);
  AppendFixed32(bits, out);
}

void AppendBytesHeader(uint32_t number, uint64_t payload_size, std::string* out) {
  AppendVarint(WireTag(number, WireType::kBytes), out);
  AppendVarint(payload_size, out);
}

void AppendBytesField(uint32_t number, absl::string_view payload, std::string* out) {
  AppendBytesHeader(number, payload.size(), out);
  out->append(payload.data(), payload.size());
}

bool IsUtf8(absl::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = p + text.size();
  while (p != end) {
    if (end - p >= 8) {
      uint64_t word;
      std::memcpy(&word, p, sizeof(word));
      if ((word & 0x8080808080808080u) == 0) {
        p += 8;
        continue;
      }
    }
    const unsigned char first = *p;
    const ptrdiff_t left = end - p;
    if (first < 0x80) {
      p += 1;
    } else if (first >= 0xc2 && first <= 0xdf) {
      if (left < 2 || !IsContinuation(p[1])) return false;
      p += 2;
    } else if ((first & 0xf0) == 0xe0) {
      if (left < 3 || !IsContinuation(p[1]) || !IsContinuation(p[2])) return false;
      if (first == 0xe0 && p[1] < 0xa0) return false;
      if (first == 0xed && p[1] > 0x9f) return false;
      p += 3;
    } else if (first >= 0xf0 && first <= 0xf4) {
      if (left < 4 || !IsContinuation(p[1]) || !IsContinuation(p[2]) || !IsContinuation(p[3])) return false;
      if (first == 0xf0 && p[1] < 0x90) return false;
      if (first == 0xf4 && p[1] > 0x8f) return false;
      p += 4;
    } else {
      return false;
    }
  }
  return true;
}

void AppendUtf8(uint32_t code, std::string* out) {
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out->push_back(static_cast<char>(0xc0 | code >> 6));
    out->push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else if (code < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | code >> 12));
    out->push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else {
    out->push_back(static_cast<char>(0xf0 | code >> 18));
    out->push_back(static_cast<char>(0x80 | (code >> 12 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3f)));
  }
}

}  // namespace cryograph
