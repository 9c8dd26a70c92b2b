#pragma once

#include <opencv2/core/mat.hpp>
#include <string>
#include <vector>

#include "xai/core/patch_grid.hpp"
#include "xai/search/mse.hpp"

namespace xai {

/// The most MSEs that a picture shows.
inline constexpr int most_shown = 6;

/// Which MSEs a picture shows, as indices into result.mses: members of the diverse family first, then the
/// others; within each the smallest first, of equal size the one with the highest ratio.
std::vector<int> shown_mses(const MseResult& result, int most = most_shown);

/// What a person sees of one image's explanations at a glance.
///
/// Left the photograph, right of it its MSEs, numbered, with size and ratio: what the model saw of each (the
/// mask U(S) of SPEC 3) at full strength, the rest blurred and dimmed. Without any MSE a sentence says why.
/// `photograph`: H x W, CV_8UC3 in RGB order, as cropped for the model. Returns CV_8UC3 in RGB order.
cv::Mat mse_picture(const cv::Mat& photograph, const std::string& image, const std::string& class_name,
                    const MseResult& result, const MseOptions& options, MaskKind mask);

/// What the model saw of a set (the mask U(S) of SPEC 3) at full strength, the rest blurred and dimmed, with
/// the patch grid. `photograph` as in mse_picture(). Returns CV_8UC3 in RGB order, of this size.
cv::Mat set_picture(const cv::Mat& photograph, const PatchSet& set, int grid, MaskKind mask, cv::Size size);

/// The picture's path in the run folder: "images/n01440764/x.JPEG.png" (file_name_of()).
std::string picture_path(const std::string& image);

/// PNG bytes of an H x W CV_8UC3 picture in RGB order. Throws Error unless it is one, or where libpng cannot
/// make it.
std::string encode_png(const cv::Mat& rgb);

}  // namespace xai
