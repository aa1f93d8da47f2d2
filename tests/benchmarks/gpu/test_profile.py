import pytest

from benchmarks.gpu.profile import OTHER, kind


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("void cutlass::Kernel2<cutlass_80_simt_sgemm_64x64_8x5_nn_align1>", "products and convolutions"),
        ("sm80_xmma_wgrad_implicit_gemm_indexed_f32f32", "products and convolutions"),
        ("aten::baddbmm", "products and convolutions"),
        ("void at::native::(anonymous namespace)::distribution_elementwise_grid_stride_kernel<float, 4>", "sampling"),
        ("aten::randint", "sampling"),
        ("Memcpy DtoD (Device -> Device)", "copies"),
        ("void at::native::vectorized_elementwise_kernel<4, at::native::threshold>", "elementwise work and sums"),
        ("void at::native::reduce_kernel<512, 1>", "elementwise work and sums"),
        ("triton_poi_fused", OTHER),
    ],
)
def test_kernels_are_told_by_their_names(name, expected):
    assert kind(name) == expected
