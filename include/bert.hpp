// SPDX-License-Identifier: MIT
/**
 * @file bert.hpp
 * libbert from C++11: owning handles and exceptions over the C API, header only.
 *
 * Each class owns one handle and is movable; get() gives the handle for calls that
 * have no wrapper.  Model and Tokenizer are shared handles: copies are cheap.
 * Failures throw bert::Error, whose code() is the status and what() the message.
 *
 * @code{.cpp}
 * #include <bert.hpp>
 * #include <iostream>
 *
 * int main(int argc, char **argv)
 * try {
 *     bert::Model model(argc > 1 ? argv[1] : ".");
 *     bert::Session session(model);
 *     std::vector<std::vector<float>> v =
 *         session.embed({"a cat on a mat", "a kitten lies on the rug"});
 *     std::cout << model.similarity(v[0], v[1]) << "\n";
 *     return 0;
 * } catch (const bert::Error &e) {
 *     std::cerr << e.what() << " [" << bert_status_name(e.code()) << "]\n";
 *     return 1;
 * }
 * @endcode
 */
#ifndef BERT_HPP
#define BERT_HPP

#include <bert.h>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bert
{

/** A failed call.  Since 0.1. */
class Error : public std::runtime_error
{
public:
    explicit Error(const bert_error &e) : std::runtime_error(e.message), code_(e.code)
    {
    }
    bert_status code() const noexcept
    {
        return code_;
    }

private:
    bert_status code_;
};

namespace detail
{
inline void check(bert_status status, const bert_error &err)
{
    if (status != BERT_OK)
        throw Error(err);
}
inline bert_text text(const std::string &s) noexcept
{
    bert_text t = {s.data(), s.size()};
    return t;
}
inline std::vector<bert_text> texts(const std::vector<std::string> &strings)
{
    std::vector<bert_text> out;
    out.reserve(strings.size());
    for (const std::string &s : strings)
        out.push_back(text(s));
    return out;
}
} // namespace detail

/** One tokenized text or pair.  Since 0.1. */
class Encoding
{
public:
    explicit Encoding(bert_encoding *handle) noexcept : handle_(handle)
    {
    }
    Encoding(Encoding &&other) noexcept : handle_(other.handle_)
    {
        other.handle_ = nullptr;
    }
    Encoding &operator=(Encoding &&other) noexcept
    {
        std::swap(handle_, other.handle_);
        return *this;
    }
    Encoding(const Encoding &) = delete;
    Encoding &operator=(const Encoding &) = delete;
    ~Encoding()
    {
        bert_encoding_free(handle_);
    }
    bert_encoding *get() const noexcept
    {
        return handle_;
    }
    std::size_t size() const noexcept
    {
        return bert_encoding_size(handle_);
    }
    std::vector<std::int32_t> ids() const
    {
        const std::int32_t *p = bert_encoding_ids(handle_);
        return std::vector<std::int32_t>(p, p + size());
    }
    std::vector<bert_span> offsets() const
    {
        const bert_span *p = bert_encoding_offsets(handle_);
        return std::vector<bert_span>(p, p + size());
    }
    std::string token(std::size_t i) const
    {
        bert_text t = bert_encoding_token(handle_, i);
        return t.size > 0 ? std::string(t.data, t.size) : std::string();
    }
    /** Tokens that were cut. */
    std::size_t truncated() const noexcept
    {
        return bert_encoding_truncated(handle_);
    }
    /** What of the text (0) or the pair (1) it holds: where truncation cut. */
    bert_span kept(int sequence = 0) const noexcept
    {
        return bert_encoding_kept(handle_, sequence);
    }

private:
    bert_encoding *handle_;
};

/** A shared tokenizer; any number of threads.  Since 0.1. */
class Tokenizer
{
public:
    explicit Tokenizer(const std::string &path, const bert_tokenizer_options *options = nullptr)
        : handle_(nullptr)
    {
        bert_error err;
        detail::check(bert_tokenizer_load(&handle_, path.c_str(), options, &err), err);
    }
    Tokenizer(const Tokenizer &other) noexcept : handle_(bert_tokenizer_ref(other.handle_))
    {
    }
    Tokenizer &operator=(Tokenizer other) noexcept
    {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Tokenizer()
    {
        bert_tokenizer_unref(handle_);
    }
    bert_tokenizer *get() const noexcept
    {
        return handle_;
    }
    Encoding encode(const std::string &text, const bert_tokenize_options *options = nullptr) const
    {
        bert_error err;
        bert_encoding *out = nullptr;
        detail::check(bert_tokenize(handle_, detail::text(text), nullptr, options, &out, &err),
                      err);
        return Encoding(out);
    }
    Encoding encode(const std::string &text, const std::string &pair,
                    const bert_tokenize_options *options = nullptr) const
    {
        bert_error err;
        bert_encoding *out = nullptr;
        bert_text second = detail::text(pair);
        detail::check(bert_tokenize(handle_, detail::text(text), &second, options, &out, &err),
                      err);
        return Encoding(out);
    }
    /** Of words that were split before. */
    Encoding encode_words(const std::vector<std::string> &words,
                          const bert_tokenize_options *options = nullptr) const
    {
        bert_error err;
        bert_encoding *out = nullptr;
        const std::vector<bert_text> views = detail::texts(words);
        detail::check(bert_tokenize_words(handle_, views.data(), views.size(), nullptr, 0, options,
                                          &out, &err),
                      err);
        return Encoding(out);
    }
    /** In the order of the texts; throws if any fails. */
    std::vector<Encoding> encode_batch(const std::vector<std::string> &texts,
                                       const bert_tokenize_options *options = nullptr) const
    {
        bert_error err;
        const std::vector<bert_text> views = detail::texts(texts);
        std::vector<bert_encoding *> handles(texts.size());
        std::vector<Encoding> out;
        out.reserve(texts.size());
        const bert_status st = bert_tokenize_batch(handle_, views.data(), nullptr, views.size(),
                                                   options, handles.data(), &err);
        for (bert_encoding *e : handles)
            out.emplace_back(e);
        detail::check(st, err);
        return out;
    }
    /** Number of tokens, special ones included. */
    std::size_t count(const std::string &text,
                      const bert_tokenize_options *options = nullptr) const
    {
        bert_error err;
        std::size_t n = 0;
        detail::check(
            bert_count_tokens(handle_, detail::text(text), nullptr, options, &n, &err), err);
        return n;
    }
    /** Where to cut so that n tokens are left. */
    std::size_t cut(const std::string &text, std::size_t n,
                    bert_truncation_side side = BERT_TRUNCATE_RIGHT) const
    {
        bert_error err;
        std::size_t at = 0;
        detail::check(bert_cut_text(handle_, detail::text(text), n, side, &at, &err), err);
        return at;
    }
    std::string decode(const std::vector<std::int32_t> &ids, bool keep_special = false) const
    {
        bert_error err;
        std::size_t size = 0;
        bert_status st =
            bert_decode(handle_, ids.data(), ids.size(), keep_special, nullptr, 0, &size, &err);
        std::string out(size, '\0');
        if (st == BERT_ERANGE)
            st = bert_decode(handle_, ids.data(), ids.size(), keep_special, &out[0], out.size(),
                             &size, &err);
        detail::check(st, err);
        return out;
    }

private:
    bert_tokenizer *handle_;
};

/** A shared model; any number of threads and sessions.  Since 0.1. */
class Model
{
public:
    explicit Model(const std::string &path, const bert_model_options *options = nullptr)
        : handle_(nullptr)
    {
        bert_error err;
        detail::check(bert_model_load(&handle_, path.c_str(), options, &err), err);
    }
    Model(const Model &other) noexcept : handle_(bert_model_ref(other.handle_))
    {
    }
    Model &operator=(Model other) noexcept
    {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Model()
    {
        bert_model_unref(handle_);
    }
    bert_model *get() const noexcept
    {
        return handle_;
    }
    std::uint32_t hidden_size() const noexcept
    {
        return bert_model_hidden_size(handle_);
    }
    std::uint32_t embedding_size() const noexcept
    {
        return bert_model_embedding_size(handle_);
    }
    /** By the model's own similarity function. */
    float similarity(const std::vector<float> &a, const std::vector<float> &b) const
    {
        bert_error err;
        float out = 0;
        if (a.size() != b.size()) {
            err.code = BERT_EINVAL;
            const char message[] = "vectors of different sizes";
            for (std::size_t i = 0; i < sizeof message; i++)
                err.message[i] = message[i];
            throw Error(err);
        }
        detail::check(bert_similarity(bert_model_similarity(handle_), a.data(), b.data(), a.size(),
                                      &out, &err),
                      err);
        return out;
    }

private:
    bert_model *handle_;
};

/** The mutable half: one caller at a time.  Since 0.1. */
class Session
{
public:
    explicit Session(const Model &model, const bert_session_options *options = nullptr)
        : handle_(nullptr)
    {
        bert_error err;
        detail::check(bert_session_create(&handle_, model.get(), options, &err), err);
    }
    Session(Session &&other) noexcept : handle_(other.handle_)
    {
        other.handle_ = nullptr;
    }
    Session &operator=(Session &&other) noexcept
    {
        std::swap(handle_, other.handle_);
        return *this;
    }
    Session(const Session &) = delete;
    Session &operator=(const Session &) = delete;
    ~Session()
    {
        bert_session_destroy(handle_);
    }
    bert_session *get() const noexcept
    {
        return handle_;
    }
    /** One vector for each text; the first text that fails throws. */
    std::vector<std::vector<float>> embed(const std::vector<std::string> &texts,
                                          const bert_embed_options *options = nullptr)
    {
        bert_error err;
        std::size_t width = 0;
        std::vector<bert_text> views;
        for (std::size_t i = 0; i < texts.size(); i++)
            views.push_back(detail::text(texts[i]));
        detail::check(bert_embed_size(bert_session_model(handle_), options, &width, &err), err);
        std::vector<float> flat(texts.size() * width);
        detail::check(bert_embed(handle_, views.data(), views.size(), options, flat.data(),
                                 flat.size(), nullptr, &err),
                      err);
        std::vector<std::vector<float>> out;
        for (std::size_t i = 0; i < texts.size(); i++)
            out.push_back(std::vector<float>(flat.data() + i * width, flat.data() + (i + 1) * width));
        return out;
    }
    /** The last hidden state [tokens][hidden] of one sequence of ids. */
    std::vector<float> encode(const std::vector<std::int32_t> &ids)
    {
        bert_error err;
        std::uint32_t offsets[2] = {0, static_cast<std::uint32_t>(ids.size())};
        std::vector<float> out(ids.size() * bert_model_hidden_size(bert_session_model(handle_)));
        detail::check(bert_encode(handle_, ids.data(), nullptr, offsets, 1, out.data(), out.size(),
                                  &err),
                      err);
        return out;
    }

private:
    bert_session *handle_;
};

} // namespace bert

#endif // BERT_HPP
