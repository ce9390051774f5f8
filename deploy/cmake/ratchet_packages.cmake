# ratchet_packages.cmake: what we link to, by pkg-config, each as an imported target.
#
# deploy/packages/*.txt names the Debian packages that bring them. The engine alone needs none, not
# even pkg-config: then it has no unit tests and no class `native`.
if(RATCHET_ENGINE_ONLY)
    find_package(PkgConfig)
    if(NOT PKG_CONFIG_FOUND)
        message(STATUS "No pkg-config: no unit tests, no OpenBLAS")
        return()
    endif()
else()
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(zmq REQUIRED IMPORTED_TARGET libzmq>=4.3)
    pkg_check_modules(protobuf_c REQUIRED IMPORTED_TARGET libprotobuf-c>=1.4)
    pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3>=3.35)
    pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium>=1.0.18)
    pkg_check_modules(yaml REQUIRED IMPORTED_TARGET yaml-0.1)
    pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson>=2.13)
    pkg_check_modules(zlib REQUIRED IMPORTED_TARGET zlib)
    find_package(Threads REQUIRED)
endif()
pkg_check_modules(openblas openblas) # without it there is no class `native`
if(RATCHET_TESTS STREQUAL "AUTO")
    pkg_check_modules(cmocka IMPORTED_TARGET cmocka>=1.1.5)
elseif(RATCHET_TESTS)
    pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka>=1.1.5)
endif()
