#include "xai/picture/picture.hpp"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <tuple>

#include "drawing.hpp"
#include "xai/core/error.hpp"
#include "xai/store/file_name.hpp"

namespace xai {
using namespace drawing;
namespace {

constexpr int smallest_content = 820;  // the sentence fits
constexpr std::size_t columns = 3;

/// Paints a share of white over a rectangle.
void lighten(cv::Mat& picture, cv::Rect where, double share) {
  where &= cv::Rect({}, picture.size());
  cv::Mat part = picture(where);
  cv::addWeighted(part, 1 - share, cv::Mat(part.size(), part.type(), paper), share, 0, part);
}

/// The patch grid: faint lines, brighter ones where the set's patches end.
void draw_grid(cv::Mat& tile, const PatchSet& set, int grid, cv::Size size, MaskKind kind) {
  const auto positions = [&](int pixels, int drawn) {
    std::vector<int> result;
    for (const double border : patch_borders(pixels, grid, kind))
      result.push_back(cvRound(border * drawn / pixels));
    return result;
  };
  const auto xs = positions(size.width, tile.cols), ys = positions(size.height, tile.rows);
  const auto strength = [](bool a, bool b) { return a != b ? 0.75 : 0.13; };
  for (int r = 0; r < grid; ++r)
    for (int c = 0; c < grid; ++c) {
      const bool here = set.contains(r * grid + c);
      if (c > 0)
        lighten(tile, {xs[c] - 1, ys[r], 1, ys[r + 1] - ys[r]},
                strength(here, set.contains(r * grid + c - 1)));
      if (r > 0)
        lighten(tile, {xs[c], ys[r] - 1, xs[c + 1] - xs[c], 1},
                strength(here, set.contains((r - 1) * grid + c)));
    }
}

/// What an MSE leaves visible of the photograph, on a blurred and dimmed ground.
cv::Mat mse_tile(const cv::Mat& photograph, const cv::Mat& ground, const PatchSet& set, int grid,
                 MaskKind kind, cv::Size size) {
  cv::Mat indicator = cv::Mat::zeros(grid, grid, CV_32F);
  for (const int p : set.patches()) indicator.at<float>(p / grid, p % grid) = 1;
  cv::Mat tile = scaled(revealed(photograph, ground, indicator, kind), size);
  draw_grid(tile, set, grid, photograph.size(), kind);
  return tile;
}

std::string what_is_kept(const MseOptions& options) {
  const std::string share = cat("at least ", percent(options.threshold), " of this probability");
  switch (options.sufficient) {
    case Sufficient::ratio:
      return share;
    case Sufficient::top1:
      return "this class the likeliest";
    case Sufficient::both:
      break;
  }
  return share + " and this class the likeliest";
}

std::string sentence(const MseResult& result, const MseOptions& options, std::size_t shown) {
  const std::string kept = what_is_kept(options);
  switch (result.status) {
    case MseStatus::zero_probability:
      return "The model gives this class no probability: there is nothing to explain.";
    case MseStatus::wrong:
      return "The model puts another class on top: no set can keep this one there.";
    case MseStatus::baseline_sufficient:
      return cat("The baseline alone, without any patch, keeps ", kept, ": there is nothing to explain.");
    case MseStatus::ok:
      break;
  }
  if (result.mses.empty())
    return cat("No minimal set of patches that keeps ", kept, " was found in ", result.evaluations,
               " evaluations.");
  return cat("Each of these patch sets alone keeps ", kept, ". ", result.mses.size(), " found, ",
             result.diverse_members.size(), " diverse, ", shown, " shown.");
}

}  // namespace

std::vector<int> shown_mses(const MseResult& result, int most) {
  std::vector<char> diverse(result.mses.size(), 0);
  for (const int member : result.diverse_members) diverse[member] = 1;
  std::vector<int> order(result.mses.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
  const auto rank = [&](int i) {
    return std::tuple(diverse[i] == 0, result.mses[i].patches.size(), -result.mses[i].ratio);
  };
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return rank(a) < rank(b); });
  order.resize(std::min(order.size(), static_cast<std::size_t>(most)));
  return order;
}

cv::Mat mse_picture(const cv::Mat& photograph, const std::string& image, const std::string& class_name,
                    const MseResult& result, const MseOptions& options, MaskKind mask) {
  check_photograph(photograph);
  const auto shown = shown_mses(result);
  const auto tile = tile_size(photograph.size());
  const int row_count = shown.size() > columns ? 2 : 1;
  const int column_count = static_cast<int>(std::clamp<std::size_t>(shown.size(), 2, columns));
  const int step = tile.height + caption_height;
  const int large_height = row_count * step - caption_height;
  const cv::Size large(cvRound(1.0 * large_height * tile.width / tile.height), large_height);
  const int content = std::max(large.width + column_count * (gap + tile.width), smallest_content);
  const int top = margin + title_height;
  const Legend legend(
      "Left: the photograph, as the model crops it. Right: what each set leaves visible, at full strength "
      "within "
      "the bright lines; the rest is hidden. Below: its patches, and the share of the probability kept.",
      content);
  const int foot = shown.empty() ? 0 : caption_height + legend.height();
  cv::Mat canvas(top + large_height + foot + margin, margin + content + margin, CV_8UC3, paper);

  draw_title(canvas, cat(class_name, ", ", percent(result.p_full)), image, content);
  scaled(photograph, large).copyTo(canvas(cv::Rect({margin, top}, large)));
  const int first_tile = margin + large.width + gap;
  if (shown.empty()) {
    draw_paragraph(canvas, {first_tile + gap, top + 20}, sentence(result, options, 0), sentence_font,
                   margin + content - first_tile - 2 * gap);
    return canvas;
  }
  draw_line(canvas, {margin, margin + 47}, sentence(result, options, shown.size()), text_font, content);
  legend.draw(canvas);
  const cv::Mat ground = blurred_and_dimmed(photograph);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const Mse& mse = result.mses[shown[i]];
    const int size = mse.patches.size();
    const cv::Point corner(first_tile + static_cast<int>(i % columns) * (gap + tile.width),
                           top + static_cast<int>(i / columns) * step);
    mse_tile(photograph, ground, mse.patches, options.grid, mask, tile)
        .copyTo(canvas(cv::Rect(corner, tile)));
    draw_line(canvas, corner + cv::Point(0, tile.height + 19),
              cat(i + 1, ": ", size, size == 1 ? " patch, " : " patches, ", percent(mse.ratio)), caption_font,
              tile.width);
  }
  return canvas;
}

cv::Mat set_picture(const cv::Mat& photograph, const PatchSet& set, int grid, MaskKind mask, cv::Size size) {
  return mse_tile(photograph, blurred_and_dimmed(photograph), set, grid, mask, size);
}

std::string picture_path(const std::string& image) {
  return "images/" + file_name_of(image, ".png");
}

}  // namespace xai
