// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || noasm

package kernel

// There are no loops in vectors here, and nothing that calls them.
var lastWidth = 0

func callTaps(*tapsCall) {}

func callMaxTaps(*maxCall) {}

func callMaxTapsGrad(*maxCall) {}

func callSumRows(*rowsCall) {}

func callMoments(*rowsCall) {}

func callAffine(*rowsCall) {}

func callAffineResidual(*rowsCall) {}

func callGradSums(*rowsCall) {}

func callGradData(*rowsCall) {}

func callGradSumsIn(*rowsCall) {}

func callGradDataIn(*rowsCall) {}

func callGradSumsOut(*rowsCall) {}

func callGradDataOut(*rowsCall) {}

func callTapsGrad(*tapsCall) {}
