// SPDX-License-Identifier: MIT

// similarity.go - how alike are two texts?  By cgo.
//
//	go build similarity.go
//	./similarity MODEL_DIR TEXT TEXT
package main

/*
#cgo pkg-config: bert
#include <bert.h>
#include <stdlib.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"log"
	"os"
	"unsafe"
)

func similarity(path, a, b string) (C.float, error) {
	var e C.bert_error
	var model, session, score = (*C.bert_model)(nil), (*C.bert_session)(nil), C.float(0)
	failed := func() (C.float, error) { return 0, errors.New(C.GoString(&e.message[0])) }

	// What C reads through pointers is C's own memory; cgo sees to it.
	name, first, second := C.CString(path), C.CString(a), C.CString(b)
	defer C.free(unsafe.Pointer(name))
	defer C.free(unsafe.Pointer(first))
	defer C.free(unsafe.Pointer(second))
	texts := [2]C.bert_text{{first, C.size_t(len(a))}, {second, C.size_t(len(b))}}
	defer func() { C.bert_session_destroy(session); C.bert_model_unref(model) }()
	if C.bert_model_load(&model, name, nil, &e) != C.BERT_OK ||
		C.bert_session_create(&session, model, nil, &e) != C.BERT_OK {
		return failed()
	}
	n := C.size_t(C.bert_model_embedding_size(model))
	v := make([]C.float, 2*n)
	if C.bert_embed(session, &texts[0], 2, nil, &v[0], 2*n, nil, &e) != C.BERT_OK ||
		C.bert_similarity(C.bert_model_similarity(model), &v[0], &v[n], n, &score, &e) != C.BERT_OK {
		return failed()
	}
	return score, nil
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: similarity MODEL_DIR TEXT TEXT")
	}
	score, err := similarity(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.4f\n", score)
}
