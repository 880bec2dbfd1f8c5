// SPDX-License-Identifier: MIT
// similarity.rs - how alike are two texts?  With declarations by hand, no crate.
//   rustc -O similarity.rs $(pkg-config --libs-only-L --libs-only-l bert)
//   ./similarity MODEL_DIR TEXT TEXT
use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_int, c_void};
use std::ptr::{null, null_mut};

#[repr(C)]
struct Text(*const c_char, usize);
#[repr(C)]
struct Error(c_int, [c_char; 1020]);
type Handle = *mut c_void;
type Options = *const c_void;
#[link(name = "bert")]
extern "C" {
    fn bert_model_load(out: *mut Handle, path: *const c_char, options: Options, err: &mut Error) -> c_int;
    fn bert_model_unref(model: Handle);
    fn bert_model_embedding_size(model: Handle) -> u32;
    fn bert_model_similarity(model: Handle) -> *const c_char;
    fn bert_session_create(out: *mut Handle, model: Handle, options: Options, err: &mut Error) -> c_int;
    fn bert_session_destroy(session: Handle);
    #[rustfmt::skip]
    fn bert_embed(session: Handle, texts: *const Text, n: usize, options: Options, out: *mut f32, out_size: usize,
                  reports: *mut c_void, err: &mut Error) -> c_int;
    #[rustfmt::skip]
    fn bert_similarity(function: *const c_char, a: *const f32, b: *const f32, n: usize, out: &mut f32, err: &mut Error) -> c_int;
}

struct Encoder(Handle, Handle); // model and session, freed whatever way is taken out
impl Drop for Encoder {
    fn drop(&mut self) {
        unsafe { (bert_session_destroy(self.1), bert_model_unref(self.0)) };
    }
}

fn similarity(path: &str, a: &str, b: &str) -> Result<f32, String> {
    let path = CString::new(path).map_err(|e| e.to_string())?;
    let texts = [a, b].map(|s| Text(s.as_ptr().cast(), s.len()));
    let (mut encoder, mut e, mut score) = (Encoder(null_mut(), null_mut()), Error(0, [0; 1020]), 0.0);
    let failed = unsafe {
        bert_model_load(&mut encoder.0, path.as_ptr(), null(), &mut e) != 0
            || bert_session_create(&mut encoder.1, encoder.0, null(), &mut e) != 0
            || {
                let n = bert_model_embedding_size(encoder.0) as usize;
                let (mut v, function) = (vec![0f32; 2 * n], bert_model_similarity(encoder.0));
                bert_embed(encoder.1, texts.as_ptr(), 2, null(), v.as_mut_ptr(), 2 * n, null_mut(), &mut e) != 0
                    || bert_similarity(function, v.as_ptr(), v[n..].as_ptr(), n, &mut score, &mut e) != 0
            }
    };
    if failed { Err(unsafe { CStr::from_ptr(e.1.as_ptr()) }.to_string_lossy().into_owned()) } else { Ok(score) }
}

fn main() -> Result<(), String> {
    let args: Vec<String> = std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect();
    match &args[..] {
        [_, model, a, b] => Ok(println!("{:.4}", similarity(model, a, b)?)),
        _ => Err("usage: similarity MODEL_DIR TEXT TEXT".into()),
    }
}
