#include "xai/picture/saliency_picture.hpp"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "drawing.hpp"
#include "xai/core/text.hpp"

namespace xai {
using namespace drawing;
namespace {

const cv::Scalar insertion_color(0, 114, 178);  // told apart by people who do not see red or green, too
const cv::Scalar deletion_color(213, 94, 0);
constexpr int axis_width = 54;   // left of the curves, for the numbers
constexpr int axis_height = 52;  // below them, for the shares and a score
constexpr int subpixel_bits = 4;

/// The curves' coordinate system: the steps' share from 0 to 1, and values from `low` to `high`.
class Plot {
 public:
  Plot(cv::Mat& canvas, cv::Rect area, double low, double high)
      : canvas_(canvas), area_(area), low_(low), high_(high) {}

  /// In fractions of a pixel, as OpenCV's drawing takes them.
  cv::Point at(double share, double value) const {
    const double y = (high_ - std::clamp(value, low_, high_)) / (high_ - low_);
    const double unit = 1 << subpixel_bits;
    return {cvRound(unit * (area_.x + share * (area_.width - 1))),
            cvRound(unit * (area_.y + y * (area_.height - 1)))};
  }

  void draw_rules() {
    for (int quarter = -8; quarter <= 8; ++quarter) {
      const double value = quarter / 4.0;
      if (value < low_ || value > high_) continue;
      const cv::Point left = at(0, value);
      cv::line(canvas_, left, at(1, value), quarter == 0 ? faded_ink : rule_color, 1, cv::LINE_AA,
               subpixel_bits);
      draw_line(canvas_, {area_.x - axis_width, (left.y >> subpixel_bits) + 5}, number(value, 2), text_font,
                axis_width);
    }
    for (const double share : {0.0, 0.5, 1.0}) {
      const std::string label = cat(cvRound(100 * share), " %");
      const int width = Text(label, text_font).width();
      draw_line(canvas_, {area_.x + cvRound(share * (area_.width - width)), area_.br().y + 21}, label,
                text_font, width);
    }
  }

  void draw_curve(const std::vector<double>& values, const cv::Scalar& color) {
    std::vector<cv::Point> points;
    for (std::size_t t = 0; t < values.size(); ++t)
      points.push_back(at(static_cast<double>(t) / static_cast<double>(values.size() - 1), values[t]));
    cv::polylines(canvas_, points, false, color, 2, cv::LINE_AA, subpixel_bits);
  }

 private:
  cv::Mat& canvas_;
  cv::Rect area_;
  double low_;
  double high_;
};

/// "insertion 0.730 (higher is better)".
std::string score_text(Direction direction, double auc) {
  return cat(name(direction), " ", number(auc, 3),
             direction == Direction::insertion ? " (higher is better)" : " (lower is better)");
}

void draw_curves(cv::Mat& canvas, cv::Rect area, const Curve& insertion, const Curve& deletion) {
  double least = 0, most = 1;
  for (const Curve* curve : {&insertion, &deletion})
    for (const double value : curve->values) {
      least = std::min(least, value);
      most = std::max(most, value);
    }
  Plot plot(canvas, area, std::max(least, -1.0), std::min(most, 2.0));
  plot.draw_rules();
  plot.draw_curve(deletion.values, deletion_color);
  plot.draw_curve(insertion.values, insertion_color);
}

}  // namespace

cv::Mat saliency_picture(const cv::Mat& photograph, const ImageFacts& image, const std::string& class_name,
                         std::span<const float> map, const SaliencySetting& setting,
                         const SaliencyFacts& facts) {
  check_photograph(photograph);
  const cv::Size tile = tile_size(photograph.size());
  const int plot_width = std::max(tile.width, 300);
  const int content = 2 * tile.width + axis_width + plot_width + 3 * gap;
  const int top = margin + title_height;
  const Legend legend(
      "Curves: the class's probability while the map's cells are shown one after the other (insertion) or "
      "hidden "
      "(deletion), the most important first.",
      content);
  cv::Mat canvas(top + tile.height + axis_height + legend.height() + margin, margin + content + margin,
                 CV_8UC3, paper);
  legend.draw(canvas);
  draw_title(canvas, cat(class_name, ", ", percent(image.p_full.value_or(0))), image.image, content);
  draw_line(canvas, {margin, margin + 47},
            cat(setting.method, ", ", setting.size, " x ", setting.size,
                " cells: yellow matters most, violet least"),
            text_font, 2 * tile.width + gap);

  scaled(photograph, tile).copyTo(canvas(cv::Rect({margin, top}, tile)));
  scaled(overlay(photograph, map, setting.size), tile)
      .copyTo(canvas(cv::Rect({margin + tile.width + gap, top}, tile)));
  const int left = margin + content - plot_width;
  if (!facts.insertion || !facts.deletion) {
    draw_paragraph(canvas, {left, top + 20},
                   "Insertion and deletion are undefined: the photograph's probability is hardly above its "
                   "baseline's.",
                   sentence_font, plot_width);
    return canvas;
  }
  draw_curves(canvas, {left, top, plot_width, tile.height}, *facts.insertion, *facts.deletion);
  draw_line(canvas, {left, margin + 47}, score_text(Direction::insertion, facts.insertion->auc),
            {11, insertion_color, true}, plot_width);
  draw_line(canvas, {left, top + tile.height + axis_height - 6},
            score_text(Direction::deletion, facts.deletion->auc), {11, deletion_color, true}, plot_width);
  return canvas;
}

}  // namespace xai
