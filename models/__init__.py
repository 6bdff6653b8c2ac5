"""Everything that makes or changes sound: clips, engines, encoders and nets. Knows no stories."""
