#pragma once

#include <opencv2/core/mat.hpp>
#include <span>
#include <string>

#include "xai/record/saliency_record.hpp"

namespace xai {

/// A map over its photograph, and how well it does.
///
/// Left the photograph, in the middle the map on it (dark violet = unimportant, yellow = important: viridis,
/// scaled from the map's smallest to its largest value), right the insertion and deletion curves with their
/// scores, or a sentence that says why there are none.
/// `photograph`: H x W, CV_8UC3 in RGB order, as cropped for the model. `map`: setting.size x setting.size,
/// row by row, finite. `image`: target, p_full and name are shown. Returns CV_8UC3 in RGB order.
cv::Mat saliency_picture(const cv::Mat& photograph, const ImageFacts& image, const std::string& class_name,
                         std::span<const float> map, const SaliencySetting& setting,
                         const SaliencyFacts& facts);

}  // namespace xai
