// SPDX-License-Identifier: Apache-2.0
// A protobuf library's reading of OTLP (see reference.h). What our reader makes of what it finds is done here once more in
// other words: ids of the wrong length, times past 63 bits, bytes that are no text, values that nest too deep.
#include "reference.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <google/protobuf/io/coded_stream.h>

#include "otlp.pb.h"

namespace
{

enum { DEEPEST = 64 };

bool too_deep(const wire::AnyValue &value, int level);

bool too_deep(const google::protobuf::RepeatedPtrField<wire::KeyValue> &pairs, int level)
{
    for (const auto &pair : pairs) {
        if (too_deep(pair.value(), level)) {
            return true;
        }
    }
    return false;
}

bool too_deep(const wire::AnyValue &value, int level)
{
    if (value.has_array_value()) {
        if (level == DEEPEST) {
            return true;
        }
        for (const auto &item : value.array_value().values()) {
            if (too_deep(item, level + 1)) {
                return true;
            }
        }
    }
    if (value.has_kvlist_value()) {
        return level == DEEPEST || too_deep(value.kvlist_value().values(), level + 1);
    }
    return false;
}

// How many bytes of a character begin here, 0 when it is none: straight from the table of well-formed
// sequences in the Unicode standard.
size_t character(const std::string &text, size_t at)
{
    auto byte = [&](size_t i) {
        return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
    };
    auto within = [&](size_t i, unsigned low, unsigned high) {
        return byte(i) >= low && byte(i) <= high;
    };
    if (within(0, 0x01, 0x7f)) {
        return 1;
    }
    if (within(0, 0xc2, 0xdf)) {
        return within(1, 0x80, 0xbf) ? 2 : 0;
    }
    if (within(0, 0xe0, 0xef)) {
        unsigned low = byte(0) == 0xe0 ? 0xa0 : 0x80;
        unsigned high = byte(0) == 0xed ? 0x9f : 0xbf;
        return within(1, low, high) && within(2, 0x80, 0xbf) ? 3 : 0;
    }
    if (within(0, 0xf0, 0xf4)) {
        unsigned low = byte(0) == 0xf0 ? 0x90 : 0x80;
        unsigned high = byte(0) == 0xf4 ? 0x8f : 0xbf;
        return within(1, low, high) && within(2, 0x80, 0xbf) && within(3, 0x80, 0xbf) ? 4 : 0;
    }
    return 0;
}

std::string mended(const std::string &text)
{
    std::string out;
    for (size_t at = 0; at < text.size();) {
        size_t size = character(text, at);
        out += size > 0 ? text.substr(at, size) : "\xef\xbf\xbd";
        at += size > 0 ? size : 1;
    }
    return out;
}

std::string hex(const std::string &bytes)
{
    static const char digits[] = "0123456789abcdef";
    std::string out;
    for (unsigned char c : bytes) {
        out += digits[c >> 4];
        out += digits[c & 15];
    }
    return out;
}

std::string id(const std::string &bytes, size_t size)
{
    return hex(bytes.size() == size ? bytes : std::string(size, '\0'));
}

std::string time(uint64_t value)
{
    return std::to_string(value > INT64_MAX ? INT64_MAX : static_cast<int64_t>(value));
}

// ---- as text --------------------------------------------------------------------------------------

using Pairs = google::protobuf::RepeatedPtrField<wire::KeyValue>;

std::string tell(const wire::AnyValue &value);

std::string tell(const Pairs &pairs)
{
    std::string out = "{";
    for (const auto &pair : pairs) {
        out += hex(mended(pair.key())) + "=" + tell(pair.value()) + ",";
    }
    return out + "}";
}

std::string tell(const wire::AnyValue &value)
{
    switch (value.value_case()) {
    case wire::AnyValue::kStringValue:
        return "s" + hex(mended(value.string_value()));
    case wire::AnyValue::kBoolValue:
        return value.bool_value() ? "true" : "false";
    case wire::AnyValue::kIntValue:
        return "i" + std::to_string(value.int_value());
    case wire::AnyValue::kDoubleValue: {
        double number = value.double_value();
        uint64_t bits = 0;
        std::memcpy(&bits, &number, sizeof bits);
        return number != number ? "nan" : "d" + std::to_string(bits);
    }
    case wire::AnyValue::kArrayValue: {
        std::string out = "[";
        for (const auto &item : value.array_value().values()) {
            out += tell(item) + ",";
        }
        return out + "]";
    }
    case wire::AnyValue::kKvlistValue:
        return tell(value.kvlist_value().values());
    case wire::AnyValue::kBytesValue:
        return "x" + hex(value.bytes_value());
    default:
        return "null";
    }
}

template <class T> std::string attributes(const T &of)
{
    return tell(of.attributes()) + std::to_string(of.dropped_attributes_count());
}

template <class R, class S> std::string source(const R &resource, const S &scope)
{
    return attributes(resource.resource()) + " " + hex(mended(resource.schema_url())) + " " +
           hex(mended(scope.scope().name())) + " " + hex(mended(scope.scope().version())) + " " +
           attributes(scope.scope()) + " " + hex(mended(scope.schema_url())) + "\n";
}

std::string tell(const wire::Span &span)
{
    int code = span.status().code();
    std::string out = id(span.trace_id(), 16) + " " + id(span.span_id(), 8) + " " +
                      id(span.parent_span_id(), 8) + " " + hex(mended(span.name())) + " " +
                      std::to_string(span.kind()) + " " + std::to_string(span.flags()) + " " +
                      time(span.start_time_unix_nano()) + " " + time(span.end_time_unix_nano()) +
                      " " + std::to_string(code == 1 || code == 2 ? code : 0) + " " +
                      hex(mended(span.status().message())) + " " + attributes(span) + "\n";
    for (const auto &event : span.events()) {
        out += " event " + time(event.time_unix_nano()) + " " + hex(mended(event.name())) + " " +
               attributes(event) + "\n";
    }
    for (const auto &link : span.links()) {
        out += " link " + id(link.trace_id(), 16) + " " + id(link.span_id(), 8) + " " +
               attributes(link) + "\n";
    }
    return out;
}

std::string tell(const wire::LogRecord &log)
{
    uint64_t when = log.time_unix_nano() ? log.time_unix_nano() : log.observed_time_unix_nano();
    return id(log.trace_id(), 16) + " " + id(log.span_id(), 8) + " " + time(when) + " " +
           std::to_string(log.severity_number()) + " " + hex(mended(log.severity_text())) + " " +
           hex(mended(log.event_name())) + " " + tell(log.body()) + " " + attributes(log) + "\n";
}

std::string tell(const wire::ExportTraces &message)
{
    std::string out;
    for (const auto &resource : message.resource_spans()) {
        for (const auto &scope : resource.scope_spans()) {
            for (const auto &span : scope.spans()) {
                out += source(resource, scope) + tell(span);
            }
        }
    }
    return out;
}

std::string tell(const wire::ExportLogs &message)
{
    std::string out;
    for (const auto &resource : message.resource_logs()) {
        for (const auto &scope : resource.scope_logs()) {
            for (const auto &log : scope.log_records()) {
                out += source(resource, scope) + tell(log);
            }
        }
    }
    return out;
}

// ---- what is too deep -----------------------------------------------------------------------------

bool too_deep(const wire::Span &span)
{
    bool deep = too_deep(span.attributes(), 1);
    for (const auto &event : span.events()) {
        deep = deep || too_deep(event.attributes(), 1);
    }
    for (const auto &link : span.links()) {
        deep = deep || too_deep(link.attributes(), 1);
    }
    return deep;
}

bool too_deep(const wire::LogRecord &log)
{
    return too_deep(log.attributes(), 1) || too_deep(log.body(), 1);
}

template <class R, class S, class I> bool too_deep(const R &resource, const S &scopes, I items)
{
    bool deep = too_deep(resource.resource().attributes(), 1);
    for (const auto &scope : scopes) {
        deep = deep || too_deep(scope.scope().attributes(), 1);
        for (const auto &item : items(scope)) {
            deep = deep || too_deep(item);
        }
    }
    return deep;
}

bool too_deep(const wire::ExportTraces &message)
{
    for (const auto &resource : message.resource_spans()) {
        if (too_deep(
                resource, resource.scope_spans(),
                [](const wire::ScopeSpans &s) -> const auto & { return s.spans(); })) {
            return true;
        }
    }
    return false;
}

bool too_deep(const wire::ExportLogs &message)
{
    for (const auto &resource : message.resource_logs()) {
        if (too_deep(
                resource, resource.scope_logs(),
                [](const wire::ScopeLogs &s) -> const auto & { return s.log_records(); })) {
            return true;
        }
    }
    return false;
}

// ---- as JSON --------------------------------------------------------------------------------------

// Writes the message the way some sender might: names in either spelling, numbers as numbers or text, what is
// empty left out or null, things in between that nobody knows.
class Json
{
  public:
    explicit Json(uint64_t seed) : random(seed)
    {
    }

    template <class M> std::string whole(const M &message, const char *name)
    {
        std::string out = "{" + noise();
        return out + key(name) + resources(message) + "}";
    }

  private:
    uint64_t random;

    bool chance(unsigned of)
    {
        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
        return (random >> 33) % of == 0;
    }

    std::string space()
    {
        return chance(8) ? " \n" : "";
    }

    std::string key(const std::string &camel)
    {
        std::string out;
        bool snake = chance(3);
        for (char c : camel) {
            bool capital = c >= 'A' && c <= 'Z';
            out +=
                snake && capital ? std::string("_") + static_cast<char>(c + 32) : std::string(1, c);
        }
        return space() + "\"" + out + "\"" + space() + ":" + space();
    }

    std::string noise()
    {
        return chance(6) ? "\"whatNobodyKnows\":[{\"key\":1},null,\"\\u0041\"]," : "";
    }

    std::string text(const std::string &raw)
    {
        std::string out = "\"";
        for (char c : mended(raw)) {
            unsigned char u = static_cast<unsigned char>(c);
            char escape[8];
            if (u < 0x20 || c == '"' || c == '\\' || (u < 0x80 && chance(20))) {
                std::snprintf(escape, sizeof escape, "\\u%04x", u);
                out += escape;
            } else {
                out += c;
            }
        }
        return out + "\"";
    }

    std::string number(const std::string &digits)
    {
        return chance(2) ? "\"" + digits + "\"" : digits;
    }

    std::string base64(const std::string &bytes)
    {
        static const char plain[] =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        static const char url[] =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        const char *digits = chance(2) ? plain : url;
        bool pad = chance(2);
        std::string out;
        for (size_t i = 0; i < bytes.size(); i += 3) {
            uint32_t bits = 0;
            size_t left = bytes.size() - i < 3 ? bytes.size() - i : 3;
            for (size_t k = 0; k < 3; k++) {
                bits = bits << 8 | (k < left ? static_cast<unsigned char>(bytes[i + k]) : 0U);
            }
            for (size_t k = 0; k < 4; k++) {
                if (k <= left) {
                    out += digits[bits >> (18 - 6 * k) & 63];
                } else if (pad) {
                    out += '=';
                }
            }
        }
        return "\"" + out + "\"";
    }

    std::string id(const std::string &bytes, size_t size)
    {
        std::string lower = hex(bytes);
        if (bytes.size() != size && lower.size() == 22) {
            return "\"\""; // could be read as base64 of an id
        }
        if (bytes.size() != size && lower.size() == 22) {
            return "\"\""; // could be read as base64 of an id
        }
        if (bytes.size() == size && chance(3)) {
            return base64(bytes);
        }
        if (chance(2)) {
            for (char &c : lower) {
                c = c >= 'a' ? static_cast<char>(c - 32) : c;
            }
        }
        return "\"" + lower + "\"";
    }

    std::string real(double value)
    {
        char digits[40];
        if (value != value) {
            return "\"NaN\"";
        }
        if (value - value != 0) {
            return value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
        }
        std::snprintf(digits, sizeof digits, "%.17g", value);
        return number(digits);
    }

    std::string value(const wire::AnyValue &v)
    {
        std::string out = "{" + noise();
        // Of two members the last counts.
        if (v.value_case() != 0 && chance(10)) {
            out += key("arrayValue") + "{\"values\":[{\"intValue\":7}]},";
        }
        switch (v.value_case()) {
        case wire::AnyValue::kStringValue:
            return out + key("stringValue") + text(v.string_value()) + "}";
        case wire::AnyValue::kBoolValue:
            return out + key("boolValue") + (v.bool_value() ? "true" : "false") + "}";
        case wire::AnyValue::kIntValue:
            return out + key("intValue") + number(std::to_string(v.int_value())) + "}";
        case wire::AnyValue::kDoubleValue:
            return out + key("doubleValue") + real(v.double_value()) + "}";
        case wire::AnyValue::kBytesValue:
            return out + key("bytesValue") + base64(v.bytes_value()) + "}";
        case wire::AnyValue::kKvlistValue:
            return out + key("kvlistValue") + "{" + key("values") +
                   pairs(v.kvlist_value().values()) + "}}";
        case wire::AnyValue::kArrayValue: {
            std::string items;
            for (const auto &item : v.array_value().values()) {
                items += (items.empty() ? "" : ",") +
                         (item.value_case() == 0 && chance(2) ? "null" : value(item));
            }
            return out + key("arrayValue") + "{" + key("values") + "[" + items + "]}}";
        }
        default:
            return out + key("doubleValue") + "null}";
        }
    }

    std::string pairs(const Pairs &all)
    {
        std::string out;
        for (const auto &pair : all) {
            std::string any = pair.has_value() ? value(pair.value()) : "null";
            std::string name = text(pair.key());
            bool first = chance(4);
            out += out.empty() ? "{" : ",{";
            out += first ? key("value") + any + "," : "";
            out += noise() + key("key") + name;
            out += first ? "}" : "," + key("value") + any + "}";
        }
        return "[" + out + "]";
    }

    template <class T> std::string attributes(const T &of)
    {
        return noise() + key("attributes") + pairs(of.attributes()) + "," +
               key("droppedAttributesCount") +
               number(std::to_string(of.dropped_attributes_count()));
    }

    std::string status(const wire::Status &of)
    {
        static const char *const words[] = {"\"STATUS_CODE_UNSET\"", "\"OK\"",
                                            "\"STATUS_CODE_ERROR\""};
        int code = of.code() == 1 || of.code() == 2 ? of.code() : 0;
        return "{" + key("message") + text(of.message()) + "," + key("code") +
               (chance(2) ? words[code] : number(std::to_string(code))) + "}";
    }

    std::string item(const wire::Span &span)
    {
        static const char *const words[] = {"UNSPECIFIED", "INTERNAL", "SERVER",
                                            "CLIENT",      "PRODUCER", "CONSUMER"};
        bool word = span.kind() >= 0 && span.kind() < 6 && chance(2);
        std::string events;
        std::string links;
        for (const auto &event : span.events()) {
            events += (events.empty() ? "{" : ",{") + key("timeUnixNano") +
                      number(std::to_string(event.time_unix_nano())) + "," + key("name") +
                      text(event.name()) + "," + attributes(event) + "}";
        }
        for (const auto &link : span.links()) {
            links += (links.empty() ? "{" : ",{") + key("traceId") + id(link.trace_id(), 16) + "," +
                     key("spanId") + id(link.span_id(), 8) + "," + attributes(link) + "}";
        }
        return "{" + key("events") + "[" + events + "]," + key("links") + "[" + links + "]," +
               key("traceId") + id(span.trace_id(), 16) + "," + key("spanId") +
               id(span.span_id(), 8) + "," + key("parentSpanId") + id(span.parent_span_id(), 8) +
               "," + key("name") + text(span.name()) + "," + key("kind") +
               (word ? std::string("\"SPAN_KIND_") + words[span.kind()] + "\""
                     : number(std::to_string(span.kind()))) +
               "," + key("startTimeUnixNano") +
               number(std::to_string(span.start_time_unix_nano())) + "," + key("endTimeUnixNano") +
               number(std::to_string(span.end_time_unix_nano())) + "," + key("flags") +
               number(std::to_string(span.flags())) + "," + key("status") + status(span.status()) +
               "," + attributes(span) + "}";
    }

    std::string item(const wire::LogRecord &log)
    {
        return "{" + key("timeUnixNano") + number(std::to_string(log.time_unix_nano())) + "," +
               key("observedTimeUnixNano") + number(std::to_string(log.observed_time_unix_nano())) +
               "," + key("traceId") + id(log.trace_id(), 16) + "," + key("spanId") +
               id(log.span_id(), 8) + "," + key("severityNumber") +
               number(std::to_string(log.severity_number())) + "," + key("severityText") +
               text(log.severity_text()) + "," + key("eventName") + text(log.event_name()) + "," +
               key("body") + (log.has_body() ? value(log.body()) : "null") + "," + attributes(log) +
               "}";
    }

    std::string scope(const wire::Scope &of)
    {
        return "{" + key("name") + text(of.name()) + "," + key("version") + text(of.version()) +
               "," + attributes(of) + "}";
    }

    // What describes stands before or behind the items.
    std::string around(const std::string &head, const std::string &items)
    {
        return chance(3) ? items + "," + head : head + "," + items;
    }

    template <class S, class I> std::string one_scope(const S &of, const char *name, const I &items)
    {
        std::string list;
        for (const auto &one : items) {
            list += (list.empty() ? "" : ",") + item(one);
        }
        return "{" + around(key("scope") + scope(of.scope()), key(name) + "[" + list + "]") + "," +
               key("schemaUrl") + text(of.schema_url()) + "}";
    }

    template <class R>
    std::string one_resource(const R &of, const char *name, const std::string &scopes)
    {
        return "{" +
               around(key("resource") + "{" + attributes(of.resource()) + "}",
                      key(name) + "[" + scopes + "]") +
               "," + key("schemaUrl") + text(of.schema_url()) + "}";
    }

    std::string resources(const wire::ExportTraces &message)
    {
        std::string out;
        for (const auto &resource : message.resource_spans()) {
            std::string scopes;
            for (const auto &of : resource.scope_spans()) {
                scopes += (scopes.empty() ? "" : ",") + one_scope(of, "spans", of.spans());
            }
            out += (out.empty() ? "" : ",") + one_resource(resource, "scopeSpans", scopes);
        }
        return "[" + out + "]";
    }

    std::string resources(const wire::ExportLogs &message)
    {
        std::string out;
        for (const auto &resource : message.resource_logs()) {
            std::string scopes;
            for (const auto &of : resource.scope_logs()) {
                scopes +=
                    (scopes.empty() ? "" : ",") + one_scope(of, "logRecords", of.log_records());
            }
            out += (out.empty() ? "" : ",") + one_resource(resource, "scopeLogs", scopes);
        }
        return "[" + out + "]";
    }
};

// ---- the two services -----------------------------------------------------------------------------

template <class M> bool parse(const char *bytes, size_t len, M *message)
{
    google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t *>(bytes),
                                                  static_cast<int>(len));
    stream.SetRecursionLimit(10000);
    return message->ParseFromCodedStream(&stream) && stream.ConsumedEntireMessage() &&
           !too_deep(*message);
}

template <class M> char *tell_all(const char *bytes, size_t len)
{
    M message;
    return parse(bytes, len, &message) ? strdup(tell(message).c_str()) : nullptr;
}

template <class M> char *json_all(const char *bytes, size_t len, const char *name, uint64_t seed)
{
    M message;
    return parse(bytes, len, &message) ? strdup(Json(seed).whole(message, name).c_str()) : nullptr;
}

} // namespace

char *reference_tell(const char *bytes, size_t len, int logs)
{
    return logs ? tell_all<wire::ExportLogs>(bytes, len) : tell_all<wire::ExportTraces>(bytes, len);
}

char *reference_json(const char *bytes, size_t len, int logs, uint64_t seed)
{
    return logs ? json_all<wire::ExportLogs>(bytes, len, "resourceLogs", seed)
                : json_all<wire::ExportTraces>(bytes, len, "resourceSpans", seed);
}
