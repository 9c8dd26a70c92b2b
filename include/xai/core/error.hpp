#pragma once

#include <stdexcept>
#include <string>

#include "xai/core/text.hpp"

namespace xai {

/// Base of every error this library throws. what() is one line: what is wrong, where, and what to do.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A bad option, option value or configuration; also a run folder that belongs to another run.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// A model or model card that is missing, inconsistent, or does not behave like a classifier.
class ModelError : public Error {
 public:
  using Error::Error;
};

/// A data set or an image that cannot be used. For one image it becomes that image's record.
class DataError : public Error {
 public:
  using Error::Error;
};

/// The file system said no: unwritable folder, full disk, vanished file.
class IoError : public Error {
 public:
  using Error::Error;
};

/// Throws E with its message joined by cat() unless `condition` holds.
template <class E = UsageError, class... Parts>
void require(bool condition, const Parts&... parts) {
  if (!condition) throw E(cat(parts...));
}

}  // namespace xai
