// SPDX-License-Identifier: MIT
// program.c's errand through the C++ wrapper.  Argument: a model, or none.
#include <bert.hpp>
#include <iostream>

int main(int argc, char **argv)
try {
    try {
        bert::Model missing("/nonexistent/model");
        std::cerr << "a missing model does not throw\n";
        return 1;
    } catch (const bert::Error &e) {
        if (e.code() != BERT_EIO)
            throw;
        std::cout << "libbert " << bert_version() << ": " << e.what() << "\n";
    }
    if (argc > 1) {
        bert::Model model(argv[1]);
        bert::Session session(model);
        std::vector<std::vector<float>> v = session.embed({"installed", "put in place"});
        std::cout << v[0].size() << " dimensions, " << model.similarity(v[0], v[1]) << "\n";
    }
    return 0;
} catch (const std::exception &e) {
    std::cerr << e.what() << "\n";
    return 1;
}
