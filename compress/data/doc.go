// SPDX-License-Identifier: Apache-2.0

// Package data reads the samples a model is fed with: from IDX, NumPy and CSV
// files, and from folders and tar archives of PNG and JPEG pictures.
//
// A sample is one row of every input of the model, as float32; whole numbers
// are exact below 2^24. Open checks the shapes against the model's inputs and
// looks at every value before any work starts, so that what is wrong with the
// data is known at once and by name. Values stay in the type the file holds
// and are converted when a batch is asked for.
//
// What is done to a value is (x*scale - mean) / std and nothing else. Scale is
// 1/255 for 8-bit pictures (PNG, JPEG, IDX of unsigned bytes) that feed a
// floating-point input, 1 for everything else, and what the caller says where
// the caller says it. Inputs of whole numbers get the file's values untouched.
//
// Pictures are taken as they are stored: an orientation noted beside a JPEG's
// pixels, and a PNG's transparency and gamma, are ignored. Chroma of a JPEG is
// interpolated as libjpeg-turbo does it, so that colours are those of Pillow and
// OpenCV, but for a level or two where the inverse transforms round apart.
package data
