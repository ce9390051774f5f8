# ratchet_cuda.cmake: the GPU back end is compiled wherever nvcc is found and needed nowhere.
#
# RATCHET_CUDA is AUTO (with nvcc: yes), ON (without nvcc: an error) or OFF. It takes effect once
# worker/engine/cuda/ holds .cu files. Afterwards RATCHET_CUDA_FOUND says whether it is built.
set(RATCHET_CUDA_FOUND OFF)
file(GLOB cuda_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/worker/engine/cuda/*.cu")
if(cuda_sources AND NOT RATCHET_CUDA STREQUAL "OFF")
    find_program(RATCHET_NVCC nvcc HINTS ENV CUDACXX PATHS /usr/local/cuda/bin)
    if(RATCHET_NVCC AND NOT CMAKE_CUDA_COMPILER)
        set(CMAKE_CUDA_COMPILER "${RATCHET_NVCC}")
    endif()
    include(CheckLanguage)
    check_language(CUDA)
    if(CMAKE_CUDA_COMPILER)
        set(CMAKE_CUDA_STANDARD 17)
        set(CMAKE_CUDA_STANDARD_REQUIRED ON)
        enable_language(CUDA)
        find_package(CUDAToolkit REQUIRED)
        set(RATCHET_CUDA_FOUND ON)
    elseif(RATCHET_CUDA STREQUAL "ON")
        message(FATAL_ERROR "RATCHET_CUDA is ON, but no nvcc was found (set CUDACXX to it)")
    endif()
endif()
message(STATUS "CUDA back end: ${RATCHET_CUDA_FOUND}")
