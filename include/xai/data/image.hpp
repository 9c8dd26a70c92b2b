#pragma once

#include <opencv2/core/mat.hpp>
#include <string>

#include "xai/data/image_source.hpp"

namespace xai {

/// An image file as it was read, once.
struct Photograph {
  cv::Mat rgb;          ///< H x W, CV_8UC3 in RGB order, continuous
  std::string content;  ///< SHA-256 of the file's bytes, hexadecimal
};

/// Reads a JPEG, PNG, WebP, BMP, TIFF, GIF or PNM (PBM, PGM, PPM) file; of several pages or frames, the
/// first.
///
/// The pixels are what PIL's Image.open(file).convert("RGB") gives, to the bit: EXIF rotation not applied
/// (but a TIFF's own orientation is), greyscale, CMYK, YCCK and palette images converted, alpha and
/// transparency dropped. Two deviations: 16-bit samples are reduced to their high byte, where PIL clips
/// 16-bit greyscale at 255 (SPEC 2); and a BMP of 4 or 8 bits with a short grey palette has its indices'
/// colours, where PIL takes the bytes for pixels of 1 or 8 bits.
///
/// The format is found by content, never by the file's name. `max_pixels` (H * W) is checked against the
/// header, before anything of the image's size is allocated.
///
/// Throws DataError, one line with the file and the reason: missing or empty file, not an image, a format
/// that is not read (HEIC, AVIF, ...), too many pixels, or a file cut short or damaged. Partly decoded pixels
/// are never returned: data that PIL would repair silently (an undecodable stretch inside a JPEG) is an error
/// too. Writes nothing to stderr. Thread-safe.
Photograph read_photograph(const ImageSource& source, long max_pixels);

}  // namespace xai
