/* SPDX-License-Identifier: Apache-2.0 */
/* Images, sounds, films and files in a message: where each dialect puts type, place and bytes, and how one is kept.
 * The bytes are measured and hashed, never kept, so that two pictures stay two.
 */
#include <sodium.h>

#include "ingest/talk.h"

enum { DEEPEST_WRAP = 3, DIGEST_TEXT = 2 * crypto_hash_sha256_BYTES };

typedef struct talk_media {
    sw_str kind; /* image, audio, video, file; null: told by the type */
    sw_str type; /* "image/png"; null: unknown */
    sw_str name;
    sw_str data; /* base64; it is measured, not kept */
    sw_str url;
    sw_str file_id;
} talk_media;

/* ---- keeping ------------------------------------------------------------------------------------------ */

static bool has_prefix(sw_str text, const char *prefix)
{
    size_t len = strlen(prefix);

    return text.len >= len && memcmp(text.ptr, prefix, len) == 0;
}

/* "data:image/png;base64,...": the type and the data. */
static void split_data_url(talk_media *media)
{
    const char *comma = media->url.ptr ? memchr(media->url.ptr, ',', media->url.len) : NULL;
    sw_str head = SW_NULL_STR;
    const char *semicolon = NULL;

    if (!has_prefix(media->url, "data:") || !comma) {
        return;
    }
    head = sw_str_make(media->url.ptr + 5, (size_t)(comma - media->url.ptr) - 5);
    semicolon = memchr(head.ptr, ';', head.len);
    media->data = sw_str_make(comma + 1, media->url.len - (size_t)(comma + 1 - media->url.ptr));
    media->type = semicolon ? sw_str_make(head.ptr, (size_t)(semicolon - head.ptr)) : head;
    media->url = SW_NULL_STR;
}

/* Length and hash of what base64 stands for; of the text itself when it is none. */
static size_t measure(sw_str data, uint8_t digest[crypto_hash_sha256_BYTES])
{
    unsigned char bytes[3072];
    crypto_hash_sha256_state state;
    size_t total = 0;

    (void)crypto_hash_sha256_init(&state);
    for (size_t at = 0; at < data.len;) {
        size_t n = data.len - at < 4096 ? data.len - at : 4096;
        size_t got = 0;
        int variant =
            n == 4096 ? sodium_base64_VARIANT_ORIGINAL_NO_PADDING : sodium_base64_VARIANT_ORIGINAL;
        sw_str piece = sw_str_make(data.ptr + at, n);
        if (n < 4096 && data.ptr[data.len - 1] != '=') {
            variant = sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
        }
        if (n == 4096 && piece.ptr[n - 1] == '=') {
            variant = sodium_base64_VARIANT_ORIGINAL;
        }
        if (sodium_base642bin(bytes, sizeof bytes, piece.ptr, piece.len, NULL, &got, NULL,
                              variant) != 0) {
            (void)crypto_hash_sha256(digest, (const unsigned char *)data.ptr, data.len);
            return data.len;
        }
        (void)crypto_hash_sha256_update(&state, bytes, got);
        total += got;
        at += n;
    }
    (void)crypto_hash_sha256_final(&state, digest);
    return total;
}

static void write_data(talk_writer *w, sw_str data)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    char hex[DIGEST_TEXT];
    size_t bytes = measure(data, digest);

    sw_hex_print(digest, sizeof digest, hex);
    talk_write_pair(w, "type", SW_STR("omitted"));
    sw_json_key(&w->out, SW_STR("bytes"));
    sw_json_int(&w->out, (int64_t)bytes);
    talk_write_pair(w, "sha256", sw_str_make(hex, DIGEST_TEXT));
}

static sw_str media_kind(const talk_media *media)
{
    static const char *const kinds[] = {"image", "audio", "video"};

    for (size_t i = 0; i < SW_COUNT(kinds); i++) {
        if (has_prefix(media->kind, kinds[i]) ||
            (has_prefix(media->type, kinds[i]) && !sw_str_eq(media->kind, SW_STR("document")))) {
            return sw_str_from(kinds[i]);
        }
    }
    return SW_STR("file");
}

static void add_media(talk *t, const talk_media *given)
{
    talk_media media = *given;
    talk_writer w;

    if (has_prefix(media.data, "data:")) {
        media.url = media.data;
        media.data = SW_NULL_STR;
    }
    split_data_url(&media);
    talk_write_begin(&w, t);
    sw_json_open(&w.out, '{');
    talk_write_pair(&w, "type", media_kind(&media));
    sw_json_key(&w.out, SW_STR("source"));
    sw_json_open(&w.out, '{');
    if (media.data.ptr) {
        write_data(&w, media.data);
    } else if (media.url.ptr) {
        talk_write_pair(&w, "type", SW_STR("url"));
        talk_write_pair(&w, "url", talk_clip(t, media.url, SW_LIMIT_JSON_BYTES / 8));
    } else {
        talk_write_pair(&w, "type", SW_STR("file"));
        talk_write_pair(&w, "file_id", media.file_id);
    }
    talk_write_pair(&w, "media_type", media.type);
    sw_json_close(&w.out, '}');
    talk_write_pair(&w, "name", media.name);
    sw_json_close(&w.out, '}');
    talk_add_other(t, talk_write_end(&w, t));
}

/* ---- reading ------------------------------------------------------------------------------------------ */

enum {
    MEDIA_TYPE,
    MEDIA_KIND,
    MEDIA_FORMAT,
    MEDIA_NAME,
    MEDIA_DATA,
    MEDIA_URL,
    MEDIA_FILE,
    MEDIA_INNER,
    MEDIA_SLOTS
};

static const talk_name media_names[] = {
    {"mime_type", MEDIA_TYPE},  {"mimeType", MEDIA_TYPE},     {"media_type", MEDIA_TYPE},
    {"mediaType", MEDIA_TYPE},  {"contentType", MEDIA_TYPE},  {"modality", MEDIA_KIND},
    {"format", MEDIA_FORMAT},   {"filename", MEDIA_NAME},     {"file_name", MEDIA_NAME},
    {"title", MEDIA_NAME},      {"display_name", MEDIA_NAME}, {"name", MEDIA_NAME},
    {"data", MEDIA_DATA},       {"bytes", MEDIA_DATA},        {"content", MEDIA_DATA},
    {"file_data", MEDIA_DATA},  {"base64", MEDIA_DATA},       {"url", MEDIA_URL},
    {"uri", MEDIA_URL},         {"fileUri", MEDIA_URL},       {"file_uri", MEDIA_URL},
    {"file_id", MEDIA_FILE},    {"fileId", MEDIA_FILE},       {"image", MEDIA_INNER},
    {"image_url", MEDIA_INNER}, {"input_audio", MEDIA_INNER}, {"source", MEDIA_INNER},
    {"audio", MEDIA_INNER},     {"video_url", MEDIA_INNER},   {"file", MEDIA_INNER},
    {"media", MEDIA_INNER},     {"s3Location", MEDIA_INNER},
};

static void take_text(sw_str *place, talk_value value)
{
    if (!place->ptr && value.type == SW_JSON_STRING) {
        *place = value.text;
    }
}

static bool is_url(sw_str text)
{
    size_t most = text.len < 16 ? text.len : 16;

    for (size_t i = 0; i + 3 <= most; i++) {
        if (memcmp(text.ptr + i, "://", 3) == 0) {
            return true;
        }
    }
    return text.len > 5 && memcmp(text.ptr, "data:", 5) == 0;
}

/* A text is a place or the bytes themselves. */
static void take_source(talk_media *media, talk_value value)
{
    if (value.type == SW_JSON_STRING) {
        take_text(is_url(value.text) ? &media->url : &media->data, value);
    }
}

static void find_media(talk *t, talk_value object, talk_media *media, int depth)
{
    talk_value m[MEDIA_SLOTS];

    talk_members(t, object, media_names, SW_COUNT(media_names), m, MEDIA_SLOTS);
    take_text(&media->type, m[MEDIA_TYPE]);
    take_text(&media->name, m[MEDIA_NAME]);
    take_text(&media->file_id, m[MEDIA_FILE]);
    if (m[MEDIA_KIND].type == SW_JSON_STRING) {
        media->kind = m[MEDIA_KIND].text;
    }
    if (!media->type.ptr && m[MEDIA_FORMAT].type == SW_JSON_STRING && media->kind.ptr) {
        media->type =
            sw_arena_printf(t->arena, "%.*s/%.*s", (int)media->kind.len, media->kind.ptr,
                            (int)(m[MEDIA_FORMAT].text.len & 0xff), m[MEDIA_FORMAT].text.ptr);
    }
    take_source(media, m[MEDIA_DATA]);
    take_source(media, m[MEDIA_URL]);
    if (m[MEDIA_INNER].type == SW_JSON_OBJECT && depth < DEEPEST_WRAP) {
        find_media(t, m[MEDIA_INNER], media, depth + 1);
    } else {
        take_source(media, m[MEDIA_INNER]);
    }
}

/* "input_image", "image_url", "audio-url": what it is. */
static sw_str kind_of_word(sw_str word)
{
    static const char *const kinds[] = {"image", "audio", "video", "document"};

    for (size_t i = 0; i < SW_COUNT(kinds); i++) {
        if (sw_str_contains_nocase(word, sw_str_from(kinds[i]))) {
            return sw_str_from(kinds[i]);
        }
    }
    return SW_NULL_STR;
}

/* False: there is nothing to find in it, or what stands for it was masked. */
bool talk_read_media(talk *t, talk_value object, sw_str word)
{
    talk_media media = {.kind = kind_of_word(word)};

    if (object.type == SW_JSON_OBJECT) {
        find_media(t, object, &media, 0);
    } else {
        take_source(&media, object);
    }
    if ((!media.data.ptr && !media.url.ptr && !media.file_id.ptr) ||
        sw_str_eq(media.data, SW_STR("__REDACTED__")) ||
        sw_str_eq(media.data, SW_STR("[Circular]"))) {
        return false;
    }
    add_media(t, &media);
    return true;
}
