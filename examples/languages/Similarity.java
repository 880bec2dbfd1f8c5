// SPDX-License-Identifier: MIT
// Similarity.java - how alike are two texts?  By JNA (Debian: libjna-java), from JDK 11 on.
//   java -cp /usr/share/java/jna.jar -Djna.library.path=$(pkg-config --variable=libdir bert) Similarity.java MODEL_DIR TEXT TEXT
import com.sun.jna.*;
import com.sun.jna.ptr.*;
import java.nio.charset.StandardCharsets;

class Similarity implements AutoCloseable {
    interface Bert extends Library {
        int bert_model_load(PointerByReference out, String path, Pointer options, byte[] err);
        void bert_model_unref(Pointer model);
        int bert_model_embedding_size(Pointer model);
        String bert_model_similarity(Pointer model);
        int bert_session_create(PointerByReference out, Pointer model, Pointer options, byte[] err);
        void bert_session_destroy(Pointer session);
        int bert_embed(Pointer session, Pointer texts, NativeLong n, Pointer options, float[] out, NativeLong outSize, Pointer reports, byte[] err);
        int bert_similarity(String function, float[] a, float[] b, NativeLong n, FloatByReference out, byte[] err);
    }

    final Bert bert = Native.load("bert", Bert.class);
    final byte[] error = new byte[1024]; // bert_error: a code of 4 bytes, then the message
    final PointerByReference model = new PointerByReference(), session = new PointerByReference();
    void load(String path) {
        check(bert.bert_model_load(model, path, null, error));
        check(bert.bert_session_create(session, model.getValue(), null, error));
    }

    void check(int status) {
        if (status != 0) throw new IllegalStateException(new String(error, 4, 1020, StandardCharsets.UTF_8).split("\0")[0]);
    }

    float of(String a, String b) {
        int n = bert.bert_model_embedding_size(model.getValue());
        float[][] vectors = new float[2][n];
        for (int i = 0; i < 2; i++) {
            byte[] utf8 = (i == 0 ? a : b).getBytes(StandardCharsets.UTF_8);
            Memory text = new Memory(utf8.length + 1), view = new Memory(16); // bert_text: pointer and length
            text.write(0, utf8, 0, utf8.length);
            view.setPointer(0, text);
            view.setLong(8, utf8.length);
            check(bert.bert_embed(session.getValue(), view, new NativeLong(1), null, vectors[i], new NativeLong(n), null, error));
        }
        FloatByReference score = new FloatByReference();
        check(bert.bert_similarity(bert.bert_model_similarity(model.getValue()), vectors[0], vectors[1], new NativeLong(n), score, error));
        return score.getValue();
    }

    public void close() {
        bert.bert_session_destroy(session.getValue()); // NULL is fine for both
        bert.bert_model_unref(model.getValue());
    }

    public static void main(String[] args) {
        if (args.length != 3) throw new IllegalArgumentException("usage: similarity MODEL_DIR TEXT TEXT");
        try (Similarity similarity = new Similarity()) {
            similarity.load(args[0]);
            System.out.printf(java.util.Locale.ROOT, "%.4f%n", similarity.of(args[1], args[2]));
        }
    }
}
