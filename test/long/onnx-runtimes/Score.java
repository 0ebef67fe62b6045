import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/** The same in Java: Score.java FOLDER NAME WIDTH TYPE ... for each case. */
public class Score {
  public static void main(String[] words) throws Exception {
    Path folder = Path.of(words[0]);
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    for (int at = 1; at < words.length; at += 3) {
      String name = words[at];
      long width = Long.parseLong(words[at + 1]);
      boolean isDouble = words[at + 2].equals("float64");
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(folder.resolve(name + ".rows")));
      DoubleBuffer rows = bytes.order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer();
      long[] shape = {rows.remaining() / width, width};
      try (OrtSession session = environment.createSession(folder.resolve(name + ".onnx").toString());
          OnnxTensor features =
              isDouble ? OnnxTensor.createTensor(environment, rows, shape) : floats(environment, rows, shape);
          OrtSession.Result result = session.run(Map.of("features", features), Set.of("probability"))) {
        Object scores = result.get(0).getValue();
        ByteBuffer out = ByteBuffer.allocate((int) shape[0] * 8).order(ByteOrder.LITTLE_ENDIAN);
        for (int row = 0; row < shape[0]; row++)
          out.putDouble(isDouble ? ((double[][]) scores)[row][0] : ((float[][]) scores)[row][0]);
        Files.write(folder.resolve(name + ".scores"), out.array());
      }
    }
  }

  private static OnnxTensor floats(OrtEnvironment environment, DoubleBuffer rows, long[] shape) throws Exception {
    FloatBuffer floats = FloatBuffer.allocate(rows.remaining());
    while (rows.hasRemaining()) floats.put((float) rows.get());
    return OnnxTensor.createTensor(environment, floats.flip(), shape);
  }
}
