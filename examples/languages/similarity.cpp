// SPDX-License-Identifier: MIT
// similarity.cpp - how alike are two texts?  By bert.hpp, whose objects free what they hold.
//
//   c++ -std=c++11 -o similarity similarity.cpp $(pkg-config --cflags --libs bert)
//   ./similarity MODEL_DIR TEXT TEXT
#include <bert.hpp>
#include <cstdio>

int main(int argc, char **argv)
{
    if (argc != 4) {
        std::fprintf(stderr, "usage: similarity MODEL_DIR TEXT TEXT\n");
        return 2;
    }
    try {
        bert::Model model(argv[1]);
        bert::Session session(model);
        std::vector<std::vector<float>> vectors = session.embed({argv[2], argv[3]});
        std::printf("%.4f\n", static_cast<double>(model.similarity(vectors[0], vectors[1])));
        return 0;
    } catch (const bert::Error &e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
